/* What relayctl prints: for people, or as JSON. */
#ifndef RELAYCTL_SHOW_H
#define RELAYCTL_SHOW_H

#include "ctl.h"
#include "proto.h"

/*
 * One set of functions per form of output.  begin and end come once per
 * list; the entries between.
 */
struct show {
	void	(*begin)(uint32_t request);
	void	(*summary)(const struct ctl_summary *);
	void	(*queue)(const struct proto_queue_entry *);
	void	(*call)(const struct ctl_call *);
	void	(*user)(const struct ctl_user *);
	void	(*message)(const struct proto_message *);
	void	(*rcpt)(const struct proto_message_rcpt *);
	void	(*result)(const struct proto_result *);
	void	(*end)(uint32_t request);
};

extern const struct show	 show_text;
extern const struct show	 show_json;

#endif
