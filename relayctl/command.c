/* See LICENSE for the terms. */
/* relayctl's commands as a tree of tables. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "proto.h"

#define CALLS_DEFAULT	20

#define REQUEST(t)	.run = RUN_REQUEST, .type = t
#define VALUE(v)	.value = v, .has_value = 1

#define MESSAGE(a)	REQUEST(CTL_MESSAGE), .value = a, .argument = ARG_SELECT

static const struct command message[] = {
	{ "bulk", "goes only into time that is paid for",
	    MESSAGE(PROTO_MESSAGE_BULK) },
	{ "hold", "stays until released",
	    MESSAGE(PROTO_MESSAGE_HOLD) },
	{ "normal", "neither bulk nor urgent",
	    MESSAGE(PROTO_MESSAGE_NORMAL) },
	{ "release", "ends its hold",
	    MESSAGE(PROTO_MESSAGE_RELEASE) },
	{ "remove", "for good; nobody is told",
	    MESSAGE(PROTO_MESSAGE_REMOVE) },
	{ "requeue", "tried anew, as if it never had been",
	    MESSAGE(PROTO_MESSAGE_REQUEUE) },
	{ "urgent", "before all others",
	    MESSAGE(PROTO_MESSAGE_URGENT) },
	{ .word = NULL }
};

static const struct command show[] = {
	{ "calls", "the newest calls; 0 for all", REQUEST(CTL_SHOW_CALLS),
	    VALUE(CALLS_DEFAULT), .argument = ARG_COUNT },
	{ "message", "one message with its recipients",
	    REQUEST(CTL_SHOW_MESSAGE), .argument = ARG_MESSAGE },
	{ "plan", "what a call would do and cost now",
	    REQUEST(CTL_SHOW_PLAN) },
	{ "queue", "the messages that wait", REQUEST(CTL_SHOW_QUEUE) },
	{ "rules", "conditions and restraints, as they stand",
	    REQUEST(CTL_SHOW_RULES) },
	{ "summary", "line, window, queue and what comes next",
	    REQUEST(CTL_SHOW_SUMMARY) },
	{ "users", "mailboxes and what was fetched for them",
	    REQUEST(CTL_SHOW_USERS) },
	{ .word = NULL }
};

static const struct command level[] = {
	{ "brief", "information only", REQUEST(CTL_LOG_VERBOSE), VALUE(0) },
	{ "verbose", "debugging too", REQUEST(CTL_LOG_VERBOSE), VALUE(1) },
	{ .word = NULL }
};

static const struct command by[] = {
	{ "line", "a row for each line", .run = RUN_REPORT,
	    .flags = COMMAND_LINE },
	{ "user", "a row for each user", .run = RUN_REPORT,
	    .flags = COMMAND_USER },
	{ .word = NULL }
};

static const struct command by_only[] = {
	{ "by", "... line or user, instead", .below = by },
	{ .word = NULL }
};

static const struct command report[] = {
	{ "by", "a row for each line or user, of this month", .below = by },
	{ "day", "the last days, or so many", by_only, .run = RUN_REPORT,
	    .flags = COMMAND_DAY, .argument = ARG_COUNT },
	{ "month", "the last months, or so many", by_only,
	    .run = RUN_REPORT, .flags = COMMAND_MONTH,
	    .argument = ARG_COUNT },
	{ "week", "the last weeks, or so many", by_only, .run = RUN_REPORT,
	    .flags = COMMAND_WEEK, .argument = ARG_COUNT },
	{ .word = NULL }
};

static const struct command root[] = {
	{ "dial", "open a window now", REQUEST(CTL_DIAL) },
	{ "dovecot", "a configuration for Dovecot, for IMAP",
	    .run = RUN_DOVECOT, .argument = ARG_REST },
	{ "explain", "why the last call was, and when the next will be",
	    .run = RUN_EXPLAIN },
	{ "hangup", "end the call in progress", REQUEST(CTL_HANGUP) },
	{ "hold", "make no calls until released", REQUEST(CTL_HOLD) },
	{ "log", "how much is logged", .below = level },
	{ "message", "what becomes of messages that wait",
	    .below = message },
	{ "release", "end the hold", REQUEST(CTL_RELEASE) },
	{ "reload", "read the configuration again", REQUEST(CTL_RELOAD) },
	{ "report", "what was spent, wasted and saved", report,
	    .run = RUN_REPORT },
	{ "show", "what there is and what happened", show,
	    REQUEST(CTL_SHOW_SUMMARY) },
	{ "simulate", "what other rules would have cost",
	    .run = RUN_SIMULATE, .argument = ARG_REST },
	{ "watch", "the window while it is open", .run = RUN_WATCH },
	{ .word = NULL }
};

/* With no words at all. */
static const struct command	 summary = {
	"", "", REQUEST(CTL_SHOW_SUMMARY)
};

/* The one that begins so; a whole word beats prefixes. */
static const struct command *
match(const struct command *table, const char *word, char *error, size_t size)
{
	const struct command	*c, *found = NULL;
	size_t			 n = strlen(word);

	for (c = table; c->word != NULL; c++) {
		if (strcmp(c->word, word) == 0)
			return (c);
		if (strncmp(c->word, word, n) != 0)
			continue;
		if (found != NULL) {
			snprintf(error, size, "\"%s\" is ambiguous: \"%s\" "
			    "or \"%s\"", word, found->word, c->word);
			return (NULL);
		}
		found = c;
	}
	if (found == NULL)
		snprintf(error, size, "unknown word \"%s\"", word);
	return (found);
}

static int
is_help(const char *word)
{
	return (strcmp(word, "help") == 0 || strcmp(word, "?") == 0);
}

static int
is_number(const char *word)
{
	return (*word >= '0' && *word <= '9');
}

static int
take_number(struct request *r, const char *word, char *error, size_t size)
{
	char			*end;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (!is_number(word) || *end != '\0' || errno != 0 ||
	    n > UINT32_MAX) {
		snprintf(error, size, "\"%s\" is not a number", word);
		return (-1);
	}
	r->value = (uint32_t)n;
	r->has_value = 1;
	return (0);
}

/* As show queue and the log have it. */
static int
take_id(struct request *r, const char *word, char *error, size_t size)
{
	size_t	 len = strlen(word);

	if (len == 0 || len > 16 ||
	    strspn(word, "0123456789abcdefABCDEF") != len) {
		snprintf(error, size, "\"%s\" is not the id of a message",
		    word);
		return (-1);
	}
	r->message.id = strtoull(word, NULL, 16);
	r->message.select = PROTO_MESSAGE_ID;
	return (0);
}

/* "<>" and "<a@x>" are as good as "" and "a@x". */
static int
take_address(struct request *r, const char *word, char *error, size_t size)
{
	size_t	 len = strlen(word);

	if (len >= 2 && word[0] == '<' && word[len - 1] == '>') {
		word++;
		len -= 2;
	}
	if (len >= sizeof(r->message.address)) {
		snprintf(error, size, "that address is too long");
		return (-1);
	}
	memcpy(r->message.address, word, len);
	return (0);
}

/* The words after a command that takes messages; how many, or -1. */
static int
take_select(struct request *r, int argc, char *const argv[], char *error,
    size_t size)
{
	if (argc == 0) {
		snprintf(error, size, "which messages?  an id, from ADDRESS, "
		    "to ADDRESS, or all");
		return (-1);
	}
	/* In whole words: "a" may be an id, and a removal is for good. */
	if (strcmp(argv[0], "all") == 0) {
		r->message.select = PROTO_MESSAGE_ALL;
		return (1);
	}
	if (strcmp(argv[0], "from") != 0 && strcmp(argv[0], "to") != 0)
		return (take_id(r, argv[0], error, size) == -1 ? -1 : 1);
	if (argc == 1) {
		snprintf(error, size, "\"%s\" wants an address", argv[0]);
		return (-1);
	}
	r->message.select = argv[0][0] == 'f' ? PROTO_MESSAGE_FROM :
	    PROTO_MESSAGE_TO;
	return (take_address(r, argv[1], error, size) == -1 ? -1 : 2);
}

/* What comes after a word that takes a number; how many words, or -1. */
static int
take_count(struct request *r, const struct command *c, int argc,
    char *const argv[], char *error, size_t size)
{
	/* What is no number is looked for below, if anything is there. */
	if (argc == 0 || (c->below != NULL && !is_number(argv[0])))
		return (0);
	return (take_number(r, argv[0], error, size) == -1 ? -1 : 1);
}

static int
take_arguments(struct request *r, const struct command *c, int argc,
    char *const argv[], char *error, size_t size)
{
	if (c->argument == ARG_REST) {
		r->argc = argc;
		r->argv = argv;
		return (argc);
	}
	if (argc > 0 && is_help(argv[0]))
		return (0);
	switch (c->argument) {
	case ARG_COUNT:
		return (take_count(r, c, argc, argv, error, size));
	case ARG_MESSAGE:
		if (argc == 0) {
			snprintf(error, size, "the id of which message?");
			return (-1);
		}
		return (take_id(r, argv[0], error, size) == -1 ? -1 : 1);
	case ARG_SELECT:
		r->message.action = c->value;
		return (take_select(r, argc, argv, error, size));
	default:
		return (0);
	}
}

/* A word that was matched, and what it takes; how many words, or -1. */
static int
take_command(struct request *r, const struct command *c, int argc,
    char *const argv[], char *error, size_t size)
{
	r->command = c;
	r->flags |= c->flags;
	if (c->has_value) {
		r->value = c->value;
		r->has_value = 1;
	}
	if (c->below != NULL) {
		strlcat(r->words, c->word, sizeof(r->words));
		strlcat(r->words, " ", sizeof(r->words));
		r->level = c->below;
	}
	return (take_arguments(r, c, argc, argv, error, size));
}

void
command_payload(const struct request *r, const void **data, size_t *len)
{
	*data = NULL;
	*len = 0;
	if (r->command->argument == ARG_MESSAGE) {
		*data = &r->message.id;
		*len = sizeof(r->message.id);
	} else if (r->command->argument == ARG_SELECT) {
		*data = &r->message;
		*len = sizeof(r->message);
	} else if (r->has_value) {
		*data = &r->value;
		*len = sizeof(r->value);
	}
}

int
command_parse(struct request *r, int argc, char *const argv[], char *error,
    size_t size)
{
	const struct command	*c = &summary;
	int			 i = 0, n;

	memset(r, 0, sizeof(*r));
	r->level = root;
	r->command = c;
	while (i < argc) {
		if (is_help(argv[i])) {
			r->help = 1;
			return (0);
		}
		if (i > 0 && c->below == NULL) {
			snprintf(error, size, "\"%s\" is one word too many",
			    argv[i]);
			return (-1);
		}
		if ((c = match(r->level, argv[i], error, size)) == NULL)
			return (-1);
		i++;
		n = take_command(r, c, argc - i, argv + i, error, size);
		if (n == -1)
			return (-1);
		i += n;
	}
	if (r->command->run == RUN_NONE) {
		snprintf(error, size, "\"%s\" wants another word", c->word);
		return (-1);
	}
	return (0);
}

void
command_help(FILE *f, const struct request *r)
{
	static const char *const arguments[] = {
		[ARG_NONE] = "", [ARG_COUNT] = " [number]",
		[ARG_MESSAGE] = " id", [ARG_SELECT] = " which",
		[ARG_REST] = " [...]"
	};
	const struct command	*c;
	char			 words[64];

	fprintf(f, "usage: relayctl [-cj] [-s socket] %scommand\n",
	    r->level == root ? "" : r->words);
	for (c = r->level; c->word != NULL; c++) {
		snprintf(words, sizeof(words), "%s%s%s", c->word,
		    arguments[c->argument],
		    c->below == NULL ? "" :
		    c->run == RUN_NONE ? " ..." : " [...]");
		fprintf(f, "\t%-22s%s\n", words, c->help);
	}
	if (r->level == message)
		fprintf(f, "which: an id, from ADDRESS, to ADDRESS, or "
		    "all\n");
}
