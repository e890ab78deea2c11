/* See LICENSE for the terms. */
/* Whether the files that a configuration names are there. */
#ifndef PARENT_CONF_FILES_H
#define PARENT_CONF_FILES_H

#include "conf_check.h"

/*
 * Certificates, keys and trust that cannot be read, or a key that others can
 * have, are errors, since without them no process gets its configuration; a
 * users file or a pppd that is not there is a warning.  What only root may
 * open is passed over for anyone else.  Returns the number of errors.
 */
int	 conf_files(const struct conf *, conf_report *, void *arg);

#endif
