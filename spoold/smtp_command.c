/* See LICENSE for the terms. */

/* Command lines of SMTP: see smtp_command.h. */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "smtp_command.h"

typedef enum smtp_parse	 parser(struct smtp_command *, const char *, size_t);

static parser	 parse_hello, parse_mail, parse_rcpt, parse_bdat;
static parser	 parse_none, parse_some, parse_any;
static parser	 parse_size, parse_body, parse_smtputf8, parse_ret;
static parser	 parse_envid, parse_auth, parse_notify, parse_orcpt;
static parser	 parse_priority, parse_by, parse_etrn;

static const struct verb {
	const char	*name;
	enum smtp_verb	 verb;
	parser		*parse;
} verbs[] = {
	{ "EHLO",	SMTP_EHLO,	parse_hello },
	{ "HELO",	SMTP_HELO,	parse_hello },
	{ "MAIL",	SMTP_MAIL,	parse_mail },
	{ "RCPT",	SMTP_RCPT,	parse_rcpt },
	{ "DATA",	SMTP_DATA,	parse_none },
	{ "BDAT",	SMTP_BDAT,	parse_bdat },
	{ "RSET",	SMTP_RSET,	parse_none },
	{ "NOOP",	SMTP_NOOP,	parse_any },
	{ "VRFY",	SMTP_VRFY,	parse_some },
	{ "EXPN",	SMTP_EXPN,	parse_some },
	{ "HELP",	SMTP_HELP,	parse_any },
	{ "QUIT",	SMTP_QUIT,	parse_none },
	{ "STARTTLS",	SMTP_STARTTLS,	parse_none },
	{ "AUTH",	SMTP_AUTH,	parse_some },
	{ "ETRN",	SMTP_ETRN,	parse_etrn }
};

/* Parameters of MAIL and RCPT; without a value where value is 0. */
static const struct parameter {
	const char	*name;
	enum smtp_verb	 verb;
	int		 value;
	parser		*parse;
} parameters[] = {
	{ "SIZE",	SMTP_MAIL,	1,	parse_size },
	{ "BODY",	SMTP_MAIL,	1,	parse_body },
	{ "SMTPUTF8",	SMTP_MAIL,	0,	parse_smtputf8 },
	{ "RET",	SMTP_MAIL,	1,	parse_ret },
	{ "ENVID",	SMTP_MAIL,	1,	parse_envid },
	{ "AUTH",	SMTP_MAIL,	1,	parse_auth },
	{ "MT-PRIORITY", SMTP_MAIL,	1,	parse_priority },
	{ "BY",		SMTP_MAIL,	1,	parse_by },
	{ "NOTIFY",	SMTP_RCPT,	1,	parse_notify },
	{ "ORCPT",	SMTP_RCPT,	1,	parse_orcpt }
};

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/* 1 when the bytes are the word, without regard to case. */
static int
is_word(const char *s, size_t len, const char *word)
{
	return (strlen(word) == len && strncasecmp(s, word, len) == 0);
}

static size_t
skip_spaces(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len && s[i] == ' '; i++)
		continue;
	return (i);
}

static size_t
word_length(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len && s[i] != ' '; i++)
		continue;
	return (i);
}

/* A decimal number of all the bytes; too large gives UINT64_MAX. */
static int
parse_number(const char *s, size_t len, uint64_t *number)
{
	uint64_t	 n = 0, digit;
	size_t		 i;

	if (len == 0 || len > 20)
		return (-1);
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		digit = (uint64_t)(s[i] - '0');
		if (n > (UINT64_MAX - digit) / 10)
			n = UINT64_MAX;
		else
			n = n * 10 + digit;
	}
	*number = n;
	return (0);
}

/* 1 when there are bytes beyond ASCII. */
static int
has_high(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return (1);
	return (0);
}

static int
is_upper_hex(char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
}

/* RFC 3461 4; high: bytes beyond ASCII are allowed (RFC 6533 3). */
static int
is_xtext(const char *s, size_t len, int high)
{
	size_t		 i;
	unsigned char	 c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '+') {
			if (len - i < 3 || !is_upper_hex(s[i + 1]) ||
			    !is_upper_hex(s[i + 2]))
				return (0);
			i += 2;
		} else if (c == '=' || c <= ' ' || c == 0x7f ||
		    (c >= 0x80 && !high))
			return (0);
	}
	return (1);
}

static enum smtp_parse
parse_none(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	(void)s;
	return (len == 0 ? SMTP_PARSE_OK : SMTP_PARSE_SYNTAX);
}

static enum smtp_parse
parse_some(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	(void)s;
	return (len > 0 ? SMTP_PARSE_OK : SMTP_PARSE_SYNTAX);
}

static enum smtp_parse
parse_any(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	(void)s;
	(void)len;
	return (SMTP_PARSE_OK);
}

/*
 * Any single word will do for a name: too many mail programs know no better
 * one, and nothing is decided by it.
 */
static enum smtp_parse
parse_hello(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	if (len == 0 || len > ADDRESS_DOMAIN_MAX || word_length(s, len) != len)
		return (SMTP_PARSE_SYNTAX);
	return (SMTP_PARSE_OK);
}

static enum smtp_parse
parse_size(struct smtp_command *cmd, const char *s, size_t len)
{
	if (parse_number(s, len, &cmd->size) == -1)
		return (SMTP_PARSE_SYNTAX);
	cmd->has_size = 1;
	return (SMTP_PARSE_OK);
}

/*
 * The value is checked and not kept: whether a message has 8-bit bytes is
 * seen in the message itself.  BINARYMIME is not offered.
 */
static enum smtp_parse
parse_body(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	if (is_word(s, len, "7BIT") || is_word(s, len, "8BITMIME"))
		return (SMTP_PARSE_OK);
	return (SMTP_PARSE_PARAMETER);
}

static enum smtp_parse
parse_smtputf8(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)s;
	(void)len;
	cmd->smtputf8 = 1;
	return (SMTP_PARSE_OK);
}

static enum smtp_parse
parse_ret(struct smtp_command *cmd, const char *s, size_t len)
{
	if (is_word(s, len, "FULL"))
		memcpy(cmd->ret, "FULL", sizeof("FULL"));
	else if (is_word(s, len, "HDRS"))
		memcpy(cmd->ret, "HDRS", sizeof("HDRS"));
	else
		return (SMTP_PARSE_SYNTAX);
	return (SMTP_PARSE_OK);
}

static enum smtp_parse
parse_envid(struct smtp_command *cmd, const char *s, size_t len)
{
	if (len >= sizeof(cmd->envid) || !is_xtext(s, len, 0))
		return (SMTP_PARSE_SYNTAX);
	memcpy(cmd->envid, s, len);
	cmd->envid[len] = '\0';
	return (SMTP_PARSE_OK);
}

/* RFC 4954 5: to be understood by who offers AUTH; nothing follows from it
 * for a relay that trusts nobody's word for another's identity. */
static enum smtp_parse
parse_auth(struct smtp_command *cmd, const char *s, size_t len)
{
	(void)cmd;
	return (is_xtext(s, len, 0) ? SMTP_PARSE_OK : SMTP_PARSE_SYNTAX);
}

/* RFC 6710 4.1. */
static enum smtp_parse
parse_priority(struct smtp_command *cmd, const char *s, size_t len)
{
	if (header_priority(s, len, &cmd->priority) == -1)
		return (SMTP_PARSE_SYNTAX);
	cmd->has_priority = 1;
	return (SMTP_PARSE_OK);
}

/*
 * RFC 2852 4: a time of at most nine digits, which may have passed already
 * where that is only to be told of, and the mode.
 */
static enum smtp_parse
parse_by(struct smtp_command *cmd, const char *s, size_t len)
{
	uint64_t	 n;
	size_t		 digits;
	int		 negative;

	negative = len > 0 && *s == '-';
	if (len > 0 && (*s == '-' || *s == '+')) {
		s++;
		len--;
	}
	for (digits = 0; digits < len && s[digits] != ';'; digits++)
		continue;
	if (digits > 9 || parse_number(s, digits, &n) == -1)
		return (SMTP_PARSE_SYNTAX);
	s += digits;
	len -= digits;
	if (len < 2 || len > 3 ||
	    (len == 3 && s[2] != 'T' && s[2] != 't'))
		return (SMTP_PARSE_SYNTAX);
	if (s[1] == 'R' || s[1] == 'r')
		cmd->by_return = 1;
	else if (s[1] != 'N' && s[1] != 'n')
		return (SMTP_PARSE_SYNTAX);
	if (cmd->by_return && (negative || n == 0))
		return (SMTP_PARSE_SYNTAX);
	cmd->by_time = negative ? -(int32_t)n : (int32_t)n;
	cmd->by_trace = len == 3;
	cmd->has_by = 1;
	return (SMTP_PARSE_OK);
}

/* RFC 3461 4.1: NEVER alone, or each of the others at most once. */
static enum smtp_parse
parse_notify(struct smtp_command *cmd, const char *s, size_t len)
{
	static const char *const words[] = { "NEVER", "SUCCESS", "FAILURE",
	    "DELAY" };
	size_t		 i, n, out = 0;
	unsigned int	 seen = 0;

	for (;;) {
		for (n = 0; n < len && s[n] != ','; n++)
			continue;
		for (i = 0; i < NELEM(words); i++)
			if (is_word(s, n, words[i]))
				break;
		if (i == NELEM(words) || (seen & (1U << i)) || (seen & 1) ||
		    (seen != 0 && i == 0))
			return (SMTP_PARSE_SYNTAX);
		seen |= 1U << i;
		if (out > 0)
			cmd->notify[out++] = ',';
		memcpy(cmd->notify + out, words[i], n);
		out += n;
		if (n == len)
			break;
		s += n + 1;
		len -= n + 1;
	}
	cmd->notify[out] = '\0';
	return (SMTP_PARSE_OK);
}

/* RFC 3461 4.2: addr-type ";" xtext; RFC 6533 3 for the type "utf-8". */
static enum smtp_parse
parse_orcpt(struct smtp_command *cmd, const char *s, size_t len)
{
	size_t		 type;
	int		 utf8;
	unsigned char	 c;

	if (len >= sizeof(cmd->orcpt))
		return (SMTP_PARSE_SYNTAX);
	for (type = 0; type < len && s[type] != ';'; type++) {
		c = (unsigned char)s[type];
		if (c >= 0x80 || c <= ' ' || c == '+' || c == '=')
			return (SMTP_PARSE_SYNTAX);
	}
	if (type == 0 || type + 1 >= len)
		return (SMTP_PARSE_SYNTAX);
	utf8 = is_word(s, type, "utf-8");
	if (!is_xtext(s + type + 1, len - type - 1, utf8) ||
	    !address_utf8_valid(s, len))
		return (SMTP_PARSE_SYNTAX);
	if (has_high(s, len))
		cmd->utf8 = 1;
	memcpy(cmd->orcpt, s, len);
	cmd->orcpt[len] = '\0';
	return (SMTP_PARSE_OK);
}

static const struct parameter *
find_parameter(enum smtp_verb verb, const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < NELEM(parameters); i++)
		if (parameters[i].verb == verb &&
		    is_word(s, len, parameters[i].name))
			return (&parameters[i]);
	return (NULL);
}

/* One parameter: all of the bytes. */
static enum smtp_parse
parse_parameter(struct smtp_command *cmd, const char *s, size_t len,
    unsigned int *seen)
{
	const struct parameter	*p;
	const char		*value;
	size_t			 name = len, n = 0;
	unsigned int		 bit;

	if ((value = memchr(s, '=', len)) != NULL) {
		name = (size_t)(value - s);
		value++;
		n = len - name - 1;
	}
	if (name == 0)
		return (SMTP_PARSE_SYNTAX);
	if ((p = find_parameter(cmd->verb, s, name)) == NULL)
		return (SMTP_PARSE_PARAMETER);
	bit = 1U << (p - parameters);
	if ((*seen & bit) || (value != NULL) != p->value ||
	    (p->value && n == 0))
		return (SMTP_PARSE_SYNTAX);
	*seen |= bit;
	return (p->parse(cmd, value, n));
}

/* "FROM:" or "TO:", the path and the parameters. */
static enum smtp_parse
parse_path(struct smtp_command *cmd, const char *s, size_t len,
    const char *word)
{
	enum smtp_parse	 result;
	unsigned int	 seen = 0;
	size_t		 n = strlen(word);

	if (len < n || strncasecmp(s, word, n) != 0)
		return (SMTP_PARSE_SYNTAX);
	/* Not in the grammar, and yet often sent: "FROM: <". */
	n += skip_spaces(s + n, len - n);
	s += n;
	len -= n;
	if (address_parse_path(s, len, &cmd->address, &n) == -1) {
		cmd->utf8 = has_high(s, len);
		return (SMTP_PARSE_ADDRESS);
	}
	cmd->utf8 = cmd->address.utf8;
	s += n;
	len -= n;
	while (len > 0) {
		if ((n = skip_spaces(s, len)) == 0)
			return (SMTP_PARSE_SYNTAX);
		s += n;
		len -= n;
		n = word_length(s, len);
		result = parse_parameter(cmd, s, n, &seen);
		if (result != SMTP_PARSE_OK)
			return (result);
		s += n;
		len -= n;
	}
	return (SMTP_PARSE_OK);
}

static enum smtp_parse
parse_mail(struct smtp_command *cmd, const char *s, size_t len)
{
	enum smtp_parse	 result;

	result = parse_path(cmd, s, len, "FROM:");
	/* The null sender needs no domain, everyone else does. */
	if (result == SMTP_PARSE_OK && cmd->address.text[0] != '\0' &&
	    address_domain(&cmd->address)[0] == '\0')
		return (SMTP_PARSE_ADDRESS);
	return (result);
}

static enum smtp_parse
parse_rcpt(struct smtp_command *cmd, const char *s, size_t len)
{
	enum smtp_parse	 result;

	result = parse_path(cmd, s, len, "TO:");
	/* RFC 5321 4.1.1.3: "Postmaster" alone may lack a domain. */
	if (result == SMTP_PARSE_OK &&
	    address_domain(&cmd->address)[0] == '\0' &&
	    strcasecmp(cmd->address.text, "postmaster") != 0)
		return (SMTP_PARSE_ADDRESS);
	return (result);
}

/* RFC 1985 5.2: a domain, "@" and a domain, or "#" and the name of a queue:
 * in any case one word that is safe to show. */
static enum smtp_parse
parse_etrn(struct smtp_command *cmd, const char *s, size_t len)
{
	size_t	 i;
	char	 c;

	(void)cmd;
	if (len > 0 && (*s == '@' || *s == '#')) {
		s++;
		len--;
	}
	if (len == 0 || len > ADDRESS_DOMAIN_MAX)
		return (SMTP_PARSE_SYNTAX);
	for (i = 0; i < len; i++) {
		c = s[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') ||
		    (c != '\0' && strchr(".-_[]:", c) != NULL)))
			return (SMTP_PARSE_SYNTAX);
	}
	return (SMTP_PARSE_OK);
}

/* RFC 3030 2: a size, and LAST with the final chunk. */
static enum smtp_parse
parse_bdat(struct smtp_command *cmd, const char *s, size_t len)
{
	size_t	 n;

	n = word_length(s, len);
	if (parse_number(s, n, &cmd->size) == -1 ||
	    cmd->size > SMTP_CHUNK_MAX)
		return (SMTP_PARSE_SYNTAX);
	s += n;
	len -= n;
	n = skip_spaces(s, len);
	s += n;
	len -= n;
	if (len > 0 && !is_word(s, len, "LAST"))
		return (SMTP_PARSE_SYNTAX);
	cmd->last = len > 0;
	return (SMTP_PARSE_OK);
}

enum smtp_parse
smtp_command_parse(const char *line, size_t len, struct smtp_command *cmd)
{
	const struct verb	*v = NULL;
	size_t			 i, n;
	int			 bytes = 0;

	memset(cmd, 0, sizeof(*cmd));
	for (i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			bytes = 1;
	/* RFC 5321 4.1.1: white space at the end is to be tolerated. */
	while (len > 0 && line[len - 1] == ' ')
		len--;
	n = word_length(line, len);
	for (i = 0; i < NELEM(verbs); i++)
		if (is_word(line, n, verbs[i].name))
			v = &verbs[i];
	if (v != NULL)
		cmd->verb = v->verb;
	if (bytes)
		return (SMTP_PARSE_BYTES);
	if (v == NULL)
		return (SMTP_PARSE_VERB);
	n += skip_spaces(line + n, len - n);
	cmd->arg = line + n;
	cmd->arglen = len - n;
	return (v->parse(cmd, cmd->arg, cmd->arglen));
}
