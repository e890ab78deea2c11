/* See LICENSE for the terms. */
/* relayctl's commands as a tree of tables. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "proto.h"

#define CALLS_DEFAULT	20

static const struct command show[] = {
	{ "calls", "the newest calls; 0 for all", NULL, CTL_SHOW_CALLS,
	    CALLS_DEFAULT, 1, ARG_COUNT },
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

int
command_parse(struct request *r, int argc, char *const argv[], char *error,
    size_t size)
{
	const struct command	*c = NULL;
	int			 i;

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
		strlcat(r->words, c->word, sizeof(r->words));
		strlcat(r->words, " ", sizeof(r->words));
		if (c->below != NULL)
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
	if (i < argc && c->argument == ARG_COUNT) {
		if (is_help(argv[i])) {
			r->help = 1;
			return (0);
		}
		if (take_argument(r, argv[i++], error, size) == -1)
			return (-1);
	}
	if (i < argc) {
		snprintf(error, size, "\"%s\" is one word too many", argv[i]);
		return (-1);
	}
	return (0);
}

void
command_help(FILE *f, const struct request *r)
{
	const struct command	*c;
	char			 words[64];

	fprintf(f, "usage: relayctl [-j] [-s socket] %s%s\n",
	    r->level == root ? "" : r->words, "command");
	for (c = r->level; c->word != NULL; c++) {
		snprintf(words, sizeof(words), "%s%s", c->word,
		    c->below != NULL ? " ..." :
		    c->argument == ARG_COUNT ? " [number]" : "");
		fprintf(f, "\t%-18s%s\n", words, c->help);
	}
}
