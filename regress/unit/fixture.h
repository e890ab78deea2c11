/*
 * For tests that need a spool: a fresh directory, and files in it as text.
 * There is one at a time.
 */
#ifndef REGRESS_FIXTURE_H
#define REGRESS_FIXTURE_H

#include <sys/types.h>

/*
 * A fresh directory, named after the test, with those of the list below it,
 * which ends in NULL.  Its descriptor, or -1 with errno.
 */
int	 fixture_make(const char *name, const char *const *dirs);
/* Removes it and all that is in it, and closes the descriptor: 0 or -1. */
int	 fixture_remove(void);

/* Paths are below the directory; these fail the test on any error. */

void	 fixture_put(const char *path, const char *text);
int	 fixture_exists(const char *path);
/*
 * How many files are in a directory, those with a dot in front left out, and
 * 0 when it is not there; text gets what the last one holds, unless NULL.
 */
unsigned int	 fixture_files(const char *path, char *text, size_t len);

#endif
