/* See LICENSE for the terms. */
/* What relayctl prints: for people, or as JSON. */
#ifndef RELAYCTL_SHOW_H
#define RELAYCTL_SHOW_H

#include <stdio.h>

#include "ctl.h"
#include "proto.h"

/*
 * One set of functions per form of output.  begin and end come once per
 * list; the entries between.
 */
struct show {
	void	(*begin)(uint32_t request);
	void	(*summary)(const struct ctl_summary *);
	void	(*plan)(const struct ctl_plan *);
	void	(*queue)(const struct proto_queue_entry *);
	void	(*call)(const struct ctl_call *);
	void	(*user)(const struct ctl_user *);
	void	(*rule)(const struct ctl_rule *);
	void	(*message)(const struct proto_message *);
	void	(*rcpt)(const struct proto_message_rcpt *);
	void	(*result)(const struct proto_result *);
	void	(*end)(uint32_t request);
};

extern const struct show	 show_text;
extern const struct show	 show_json;

/* Parts of these, for other commands. */
void	 show_plan_text(FILE *, const struct ctl_plan *);
void	 show_spent_text(FILE *, const struct ctl_summary *);
/* "call 12, 2026-11-28 06:00, because of ..." and what came of it. */
void	 show_call_text(FILE *, const char *label, const struct ctl_call *,
	    const char *currency);
/* An object, or null for no call. */
void	 show_call_json(const struct ctl_call *);

#endif
