/* See LICENSE for the terms. */
/* Members of JSON objects, to standard output; first begins the object. */
#ifndef RELAYCTL_JSON_H
#define RELAYCTL_JSON_H

#include <stdint.h>

void	 json_text(const char *name, const char *, int first);
void	 json_number(const char *name, uint64_t, int first);
/* Seconds since the Epoch, or null for 0. */
void	 json_instant(const char *name, int64_t);
void	 json_boolean(const char *name, uint32_t);
/* From 1/1000. */
void	 json_money(const char *name, uint64_t);
/* Between the objects of an array; it counts them by itself. */
void	 json_separate(void);

#endif
