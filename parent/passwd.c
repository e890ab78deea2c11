/* See LICENSE for the terms. */
/* Passwords of the LAN's users: see passwd.h. */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "passwd.h"

static enum passwd_scheme
		 scheme_of(const char *, size_t, const char *, size_t);
static int	 next_line(const char **, const char *, const char **,
		    size_t *);
static int	 same_bytes(const char *, const char *, size_t);
static int	 crypt_matches(const char *, const char *, size_t);
static int	 plain_matches(const char *, const char *, size_t);

static const struct scheme {
	const char		*name;
	enum passwd_scheme	 scheme;
	const char		*prefix;	/* of the hash */
} schemes[] = {
	{ "PLAIN",		PASSWD_PLAIN,	"" },
	{ "CRYPT",		PASSWD_CRYPT,	"" },
	{ "BLF-CRYPT",		PASSWD_CRYPT,	"$2" },
	{ "SHA256-CRYPT",	PASSWD_CRYPT,	"$5$" },
	{ "SHA512-CRYPT",	PASSWD_CRYPT,	"$6$" }
};

static enum passwd_scheme
scheme_of(const char *name, size_t len, const char *hash, size_t hash_len)
{
	const struct scheme *s;
	size_t i, plen;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		s = &schemes[i];
		if (strlen(s->name) != len ||
		    strncasecmp(s->name, name, len) != 0)
			continue;
		plen = strlen(s->prefix);
		if (hash_len < plen || memcmp(hash, s->prefix, plen) != 0)
			break;
		return (s->scheme);
	}
	return (PASSWD_UNUSABLE);
}

int
passwd_parse_line(const char *line, size_t len, struct passwd_entry *e)
{
	const char *end, *field, *brace;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0 || len > PASSWD_LINE_MAX || line[0] == '#' ||
	    memchr(line, '\0', len) != NULL)
		return (-1);
	if ((field = memchr(line, ':', len)) == NULL)
		return (-1);
	e->user = line;
	e->user_len = (size_t)(field - line);
	if (e->user_len == 0 || e->user_len > PASSWD_USER_MAX)
		return (-1);
	field++;
	len -= e->user_len + 1;
	if ((end = memchr(field, ':', len)) == NULL)
		end = field + len;
	e->hash = field;
	e->hash_len = (size_t)(end - field);
	e->scheme = PASSWD_UNUSABLE;
	if (e->hash_len == 0 || e->hash_len > PASSWD_HASH_MAX)
		return (0);
	if (*field != '{') {
		e->scheme = PASSWD_CRYPT;
	} else if ((brace = memchr(field, '}', e->hash_len)) != NULL) {
		e->hash = brace + 1;
		e->hash_len = (size_t)(end - e->hash);
		if (e->hash_len > 0)
			e->scheme = scheme_of(field + 1,
			    (size_t)(brace - field) - 1, e->hash,
			    e->hash_len);
	}
	/* No hash begins so; it is how an account is locked. */
	if (e->scheme == PASSWD_CRYPT && (*e->hash == '*' || *e->hash == '!'))
		e->scheme = PASSWD_UNUSABLE;
	return (0);
}

/* The line at *p, which is moved behind it; 0 at the end. */
static int
next_line(const char **p, const char *end, const char **line, size_t *len)
{
	const char *nl;

	if (*p == end)
		return (0);
	*line = *p;
	nl = memchr(*p, '\n', (size_t)(end - *p));
	*len = (size_t)((nl == NULL ? end : nl) - *p);
	*p = nl == NULL ? end : nl + 1;
	return (1);
}

int
passwd_check(const char *file_bytes, size_t len, const char *user,
    const char *password)
{
	struct passwd_entry e, known, other;
	const char *p = file_bytes, *end = file_bytes + len, *line;
	size_t line_len, user_len = strlen(user);

	memset(&known, 0, sizeof(known));
	memset(&other, 0, sizeof(other));
	if (user_len == 0 || user_len > PASSWD_USER_MAX ||
	    strlen(password) > PASSWD_PASSWORD_MAX)
		return (0);
	while (len > 0 && next_line(&p, end, &line, &line_len)) {
		if (passwd_parse_line(line, line_len, &e) == -1)
			continue;
		if (known.user == NULL && e.user_len == user_len &&
		    memcmp(e.user, user, user_len) == 0)
			known = e;
		if (other.user == NULL && e.scheme == PASSWD_CRYPT)
			other = e;
	}
	if (known.user != NULL && known.scheme == PASSWD_CRYPT)
		return (crypt_matches(password, known.hash, known.hash_len));
	/* No one shall learn from the time it takes who is in the file. */
	if (other.user != NULL)
		(void)crypt_matches(password, other.hash, other.hash_len);
	return (known.user != NULL && known.scheme == PASSWD_PLAIN &&
	    plain_matches(password, known.hash, known.hash_len));
}

/* timingsafe_bcmp(3), which libbsd has not got; 1 when they are the same. */
static int
same_bytes(const char *a, const char *b, size_t len)
{
	/* volatile: no compiler may stop at the first difference. */
	volatile unsigned char differ = 0;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return (differ == 0);
}

static int
crypt_matches(const char *password, const char *hash, size_t len)
{
	char setting[PASSWD_HASH_MAX + 1];
	char *result;
	int match;

	memcpy(setting, hash, len);
	setting[len] = '\0';
	result = crypt(password, setting);
	/* Failure is NULL, or in some libraries "*0" or "*1". */
	match = result != NULL && result[0] != '*' &&
	    strlen(result) == len && same_bytes(result, setting, len);
	/* The result may be the library's own static memory. */
	if (result != NULL)
		explicit_bzero(result, strlen(result));
	explicit_bzero(setting, sizeof(setting));
	return (match);
}

/* Always as many steps, whatever the lengths are. */
static int
plain_matches(const char *password, const char *plain, size_t len)
{
	char a[PASSWD_PASSWORD_MAX + 1], b[PASSWD_PASSWORD_MAX + 1];
	int match;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	strlcpy(a, password, sizeof(a));
	memcpy(b, plain, len);
	match = same_bytes(a, b, sizeof(a));
	explicit_bzero(a, sizeof(a));
	explicit_bzero(b, sizeof(b));
	return (match);
}

int
passwd_check_secrecy(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return (-1);
	if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (st.st_uid != 0 && st.st_uid != getuid())
		errno = EPERM;
	else if ((st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
		errno = EACCES;
	else
		return (0);
	return (-1);
}
