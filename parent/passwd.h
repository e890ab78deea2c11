/* See LICENSE for the terms. */
/*
 * Passwords of the LAN's users, from a file that Dovecot's passwd-file
 * driver reads as well:
 *
 *	user:{SCHEME}hash:uid:gid:gecos:home:shell:extra
 *
 * of which only the first two fields count here.  Schemes are {PLAIN},
 * {CRYPT}, {BLF-CRYPT}, {SHA256-CRYPT} and {SHA512-CRYPT}; none is {CRYPT}.
 * What crypt(3) cannot do on this system does not match.
 */
#ifndef PARENT_PASSWD_H
#define PARENT_PASSWD_H

#include <stddef.h>

#define PASSWD_LINE_MAX		4096	/* longer lines are passed over */
#define PASSWD_USER_MAX		255
#define PASSWD_HASH_MAX		512
#define PASSWD_PASSWORD_MAX	1024

enum passwd_scheme {
	PASSWD_PLAIN,
	PASSWD_CRYPT,
	PASSWD_UNUSABLE			/* unknown, locked or malformed */
};

struct passwd_entry {			/* points into the line */
	const char		*user;
	size_t			 user_len;
	enum passwd_scheme	 scheme;
	const char		*hash;	/* behind the scheme */
	size_t			 hash_len;
};

/*
 * Takes one line, without its newline, apart.  0, or -1 when it names no
 * user: empty, a comment, or out of bounds.
 */
int	 passwd_parse_line(const char *line, size_t len,
	    struct passwd_entry *);

/*
 * 1 if the file's bytes have this user with this password, else 0.  The
 * first line of a user counts.  When the file has any password for crypt(3)
 * then crypt(3) is run exactly once, whether or not the user is there, and
 * passwords are compared in constant time.  It may take a large part of a
 * second: that is what such hashes are for.
 */
int	 passwd_check(const char *file_bytes, size_t len, const char *user,
	    const char *password);

/*
 * Whether the file behind a descriptor may hold passwords: a plain file that
 * belongs to root or to the user who runs this, with no access for others
 * and no more than reading for its group (which is Dovecot's).  0; or -1
 * with errno EINVAL (no plain file), EPERM (owner), EACCES (mode), or that
 * of fstat(2).
 */
int	 passwd_check_secrecy(int fd);

#endif
