/* See LICENSE for the terms. */
/* Commands that are more than one request; each returns the exit status. */
#ifndef RELAYCTL_COMMANDS_H
#define RELAYCTL_COMMANDS_H

#include <stdint.h>

enum form { FORM_TEXT, FORM_JSON, FORM_CSV };

/* Prints a configuration for Dovecot; argv[0] is the command. */
int	 dovecot(int argc, char *const argv[]);
/* Why the last call was, and when and why the next will be. */
int	 explain(enum form);
/* COMMAND_* (command.h), and how many periods; 0: as many as fit. */
int	 report(unsigned int flags, uint32_t count, enum form);
/* Other configurations over what came; argv[0] is the command. */
int	 simulate(int argc, char *const argv[], enum form);
/* What goes on, until it is stopped. */
int	 watch(enum form);

#endif
