/* See LICENSE for the terms. */
/* relayctl's commands as a tree of tables. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "proto.h"

#define CALLS_DEFAULT	20

static const struct command message[] = {
	{ "bulk", "goes only into time that is paid for", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_BULK, 0, ARG_SELECT },
	{ "hold", "stays until released", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_HOLD, 0, ARG_SELECT },
	{ "normal", "neither bulk nor urgent", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_NORMAL, 0, ARG_SELECT },
	{ "release", "ends its hold", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_RELEASE, 0, ARG_SELECT },
	{ "remove", "for good; nobody is told", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_REMOVE, 0, ARG_SELECT },
	{ "requeue", "tried anew, as if it never had been", NULL,
	    CTL_MESSAGE, PROTO_MESSAGE_REQUEUE, 0, ARG_SELECT },
	{ "urgent", "before all others", NULL, CTL_MESSAGE,
	    PROTO_MESSAGE_URGENT, 0, ARG_SELECT },
	{ NULL, NULL, NULL, 0, 0, 0, ARG_NONE }
};

static const struct command show[] = {
	{ "calls", "the newest calls; 0 for all", NULL, CTL_SHOW_CALLS,
	    CALLS_DEFAULT, 1, ARG_COUNT },
	{ "message", "one message with its recipients", NULL,
	    CTL_SHOW_MESSAGE, 0, 0, ARG_MESSAGE },
	{ "queue", "the messages that wait", NULL, CTL_SHOW_QUEUE, 0, 0,
	    ARG_NONE },
	{ "summary", "line, window, queue and plan", NULL, CTL_SHOW_SUMMARY,
	    0, 0, ARG_NONE },
	{ "users", "mailboxes and what was fetched for them", NULL,
	    CTL_SHOW_USERS, 0, 0, ARG_NONE },
	{ NULL, NULL, NULL, 0, 0, 0, ARG_NONE }
};

static const struct command level[] = {
	{ "brief", "information only", NULL, CTL_LOG_VERBOSE, 0, 1,
	    ARG_NONE },
	{ "verbose", "debugging too", NULL, CTL_LOG_VERBOSE, 1, 1, ARG_NONE },
	{ NULL, NULL, NULL, 0, 0, 0, ARG_NONE }
};

static const struct command root[] = {
	{ "dial", "open a window now", NULL, CTL_DIAL, 0, 0, ARG_NONE },
	{ "hangup", "end the call in progress", NULL, CTL_HANGUP, 0, 0,
	    ARG_NONE },
	{ "hold", "make no calls until released", NULL, CTL_HOLD, 0, 0,
	    ARG_NONE },
	{ "log", "how much is logged", level, 0, 0, 0, ARG_NONE },
	{ "message", "what becomes of messages that wait", message, 0, 0, 0,
	    ARG_NONE },
	{ "release", "end the hold", NULL, CTL_RELEASE, 0, 0, ARG_NONE },
	{ "reload", "read the configuration again", NULL, CTL_RELOAD, 0, 0,
	    ARG_NONE },
	{ "show", "what there is and what happened", show, 0, 0, 0,
	    ARG_NONE },
	{ NULL, NULL, NULL, 0, 0, 0, ARG_NONE }
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
take_argument(struct request *r, const char *word, char *error, size_t size)
{
	char			*end;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end != '\0' || errno != 0 ||
	    n > UINT32_MAX) {
		snprintf(error, size, "\"%s\" is not a number", word);
		return (-1);
	}
	r->value = (uint32_t)n;
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

/* The words after the command: how many of them it takes, or -1. */
static int
take_arguments(struct request *r, int argc, char *const argv[], char *error,
    size_t size)
{
	r->message.action = r->command->value;
	switch (r->command->argument) {
	case ARG_COUNT:
		if (argc == 0)
			return (0);
		return (take_argument(r, argv[0], error, size) == -1 ? -1 : 1);
	case ARG_MESSAGE:
		if (argc == 0) {
			snprintf(error, size, "the id of which message?");
			return (-1);
		}
		return (take_id(r, argv[0], error, size) == -1 ? -1 : 1);
	case ARG_SELECT:
		return (take_select(r, argc, argv, error, size));
	default:
		return (0);
	}
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
	const struct command	*c = NULL;
	int			 i, n;

	memset(r, 0, sizeof(*r));
	r->level = root;
	for (i = 0; i < argc; i++) {
		if (is_help(argv[i]) && (c == NULL || c->below != NULL)) {
			r->help = 1;
			return (0);
		}
		if (c != NULL && c->below == NULL)
			break;
		if ((c = match(r->level, argv[i], error, size)) == NULL)
			return (-1);
		if (c->below == NULL)
			continue;
		strlcat(r->words, c->word, sizeof(r->words));
		strlcat(r->words, " ", sizeof(r->words));
		r->level = c->below;
	}
	if (c == NULL)
		c = match(show, "summary", error, size);
	else if (c->below == show)
		c = match(show, "summary", error, size);
	else if (c->below != NULL) {
		snprintf(error, size, "\"%s\" wants another word", c->word);
		return (-1);
	}
	r->command = c;
	r->value = c->value;
	r->has_value = c->has_value;
	if (i < argc && c->argument != ARG_NONE && is_help(argv[i])) {
		r->help = 1;
		return (0);
	}
	if ((n = take_arguments(r, argc - i, argv + i, error, size)) == -1)
		return (-1);
	i += n;
	if (i < argc) {
		snprintf(error, size, "\"%s\" is one word too many", argv[i]);
		return (-1);
	}
	return (0);
}

void
command_help(FILE *f, const struct request *r)
{
	static const char *const arguments[] = {
		[ARG_NONE] = "", [ARG_COUNT] = " [number]",
		[ARG_MESSAGE] = " id", [ARG_SELECT] = " which"
	};
	const struct command	*c;
	char			 words[64];

	fprintf(f, "usage: relayctl [-j] [-s socket] %s%s\n",
	    r->level == root ? "" : r->words, "command");
	for (c = r->level; c->word != NULL; c++) {
		snprintf(words, sizeof(words), "%s%s", c->word,
		    c->below != NULL ? " ..." :
		    arguments[c->argument]);
		fprintf(f, "\t%-18s%s\n", words, c->help);
	}
	if (r->level == message)
		fprintf(f, "which: an id, from ADDRESS, to ADDRESS, or "
		    "all\n");
}
