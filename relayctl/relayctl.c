/* See LICENSE for the terms. */
/* relayctl: the operator's command. */

#include <sys/types.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "commands.h"
#include "format.h"
#include "sendmail.h"
#include "show.h"

static const struct show	*out = &show_text;
static int			 begun;

static void
begin(uint32_t type)
{
	if (begun++ == 0)
		out->begin(type);
}

/* One part of the answer to a request of the type that arg points to. */
static void
take(uint32_t type, const void *data, size_t len, void *arg)
{
	uint32_t	*asked = arg;

	(void)len;
	switch (type) {
	case CTL_SUMMARY:
		out->summary(data);
		return;
	case CTL_PLAN:
		out->plan(data);
		return;
	case CTL_MESSAGE_ENTRY:
		out->message(data);
		return;
	}
	begin(*asked);
	switch (type) {
	case CTL_QUEUE_ENTRY:
		out->queue(data);
		break;
	case CTL_CALL_ENTRY:
		out->call(data);
		break;
	case CTL_USER_ENTRY:
		out->user(data);
		break;
	case CTL_RULE_ENTRY:
		out->rule(data);
		break;
	case CTL_MESSAGE_RCPT:
		out->rcpt(data);
		break;
	}
}

static int
is_list(uint32_t type)
{
	return (type > CTL_SHOW_SUMMARY && type <= CTL_SHOW_MESSAGE &&
	    type != CTL_SHOW_PLAN);
}

static int
run_request(const struct request *r)
{
	struct proto_result	 result;
	uint32_t		 type = r->command->type;
	const void		*data;
	size_t			 len;

	command_payload(r, &data, &len);
	if (client_request(type, data, len, take, &type, &result) == -1) {
		if (result.error != 0 && out == &show_json)
			out->result(&result);
		else
			warnx("%s", client_error());
		return (1);
	}
	if (is_list(type)) {
		begin(type);
		out->end(type);
	} else if (type > CTL_SHOW_MESSAGE)
		out->result(&result);
	return (0);
}

static int
run(const struct request *r, enum form form)
{
	int	 status;

	if (form == FORM_CSV && r->command->run != RUN_REPORT)
		errx(1, "-c is for reports");
	if (form == FORM_JSON && r->command->run == RUN_DOVECOT)
		errx(1, "-j is not for dovecot");
	switch (r->command->run) {
	case RUN_DOVECOT:
		/* With the command itself. */
		status = dovecot(r->argc + 1, r->argv - 1);
		break;
	case RUN_EXPLAIN:
		status = explain(form);
		break;
	case RUN_REPORT:
		status = report(r->flags, r->has_value ? r->value : 0, form);
		break;
	case RUN_SIMULATE:
		/* With the command itself. */
		status = simulate(r->argc + 1, r->argv - 1, form);
		break;
	case RUN_WATCH:
		status = watch(form);
		break;
	default:
		status = run_request(r);
		break;
	}
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return (status);
}

/* Under another name: the exit status. */
static int
as_sendmail(int argc, char *argv[])
{
	char *const	 queue[] = {
		(char []){ "show" }, (char []){ "queue" }
	};
	char *const	 reload[] = { (char []){ "reload" } };
	struct request	 r;
	char		 error[256];
	int		 status = 0;

	switch (sendmail_main(argc, argv, &status)) {
	case SENDMAIL_DONE:
		return (status);
	case SENDMAIL_MAILQ:
		if (command_parse(&r, 2, queue, error, sizeof(error)) == -1)
			errx(1, "%s", error);
		break;
	case SENDMAIL_NEWALIASES:
		if (command_parse(&r, 1, reload, error, sizeof(error)) == -1)
			errx(1, "%s", error);
		break;
	}
	return (run(&r, FORM_TEXT));
}

int
main(int argc, char *argv[])
{
	struct request	 r;
	enum form	 form = FORM_TEXT;
	char		 error[256];
	int		 ch;

	format_init();
	if (sendmail_is(getprogname()))
		return (as_sendmail(argc, argv));
	/* Not those of a command's own. */
	while ((ch = getopt(argc, argv, "+cjs:")) != -1) {
		switch (ch) {
		case 'c':
			form = FORM_CSV;
			break;
		case 'j':
			form = FORM_JSON;
			out = &show_json;
			break;
		case 's':
			client_socket(optarg);
			break;
		default:
			command_parse(&r, 0, NULL, error, sizeof(error));
			command_help(stderr, &r);
			return (1);
		}
	}
	if (command_parse(&r, argc - optind, argv + optind, error,
	    sizeof(error)) == -1) {
		warnx("%s", error);
		command_help(stderr, &r);
		return (1);
	}
	if (r.help) {
		command_help(stdout, &r);
		return (0);
	}
	return (run(&r, form));
}
