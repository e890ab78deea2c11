/* See LICENSE for the terms. */
/* Whether the parts of a parsed configuration fit together. */
#ifndef PARENT_CONF_CHECK_H
#define PARENT_CONF_CHECK_H

#include "conf.h"

enum conf_level { CONF_ERROR, CONF_WARNING };

/*
 * Told of each thing that is wrong, and where: the address of an object of
 * the configuration, of one of the fields of conf_global, or of a strnode;
 * NULL for the configuration as a whole.
 */
typedef void	 conf_report(void *arg, enum conf_level, const void *where,
		    const char *, ...)
		    __attribute__((__format__(printf, 4, 5)));

/*
 * Cross references, duplicates, and what the grammar cannot see.  The
 * defaults must have been filled in.  Returns the number of errors.  Pure.
 */
int	 conf_check(const struct conf *, conf_report *, void *arg);

/* 1 when both want one address, however it is written, and port; else 0. */
int	 conf_same_socket(const struct conf_listener *,
	    const struct conf_listener *);

/*
 * 1 if the rule for redialling allows more than 2 redials within 3 minutes
 * of a first attempt (Japan's Terminal Equipment Rules, art. 11), else 0.
 */
int	 conf_redial_lax(uint64_t redials, uint64_t within, uint64_t then);

/* Seconds of the longest unit of this tariff that costs something; 0: none. */
uint64_t conf_paid_unit(const struct conf *, const char *tariff);

#endif
