/*
 * For the tests of what is on disk: a directory of one's own, files as
 * bytes, and the system calls that can be made to fail.
 */
#ifndef REGRESS_STORE_UTIL_H
#define REGRESS_STORE_UTIL_H

#include <sys/types.h>
#include <stdint.h>

/* A fresh spool with queue/ and state/fetched/; the directory's fd. */
int	 store_make(void);
/* Removes it and closes the descriptor. */
void	 store_remove(int spoolfd);

/* The whole file, allocated; fails the test when it cannot be read. */
uint8_t	*store_read(int dirfd, const char *name, size_t *len);
void	 store_write(int dirfd, const char *name, const void *, size_t);
/* Files in a directory of the spool whose names begin so. */
int	 store_count(int spoolfd, const char *dir, const char *prefix);
/*
 * The name of the nth of them in order; in a static buffer, relative to
 * the spool.
 */
const char	*store_name(int spoolfd, const char *dir, const char *prefix,
		    int n);

enum store_op {
	STORE_WRITE = 'w',		/* write, writev */
	STORE_SYNC = 's',		/* of a file */
	STORE_SYNC_DIR = 'd',
	STORE_UNLINK = 'u',
	STORE_RENAME = 'r',
	STORE_TRUNCATE = 't',
	STORE_CREATE = 'c'		/* openat with O_CREAT */
};

struct store_faults {
	int		 sync_error;	/* errno of fsync, fdatasync of files */
	int		 dir_error;	/* of directories */
	int		 write_error;	/* errno ... */
	size_t		 write_limit;	/* ... after so many bytes */
	int		 truncate_error;
	int		 rename_error;
	int		 create_error;
	off_t		 bad_from;	/* pread fails with EIO between */
	off_t		 bad_to;
	int64_t		 clock_offset;	/* seconds */
	uint64_t	 available;	/* bytes; 0: plenty */
	int		 no_sync;	/* say so only: for speed */
	char		 trace[4096];	/* enum store_op of each call */
	size_t		 trace_len;
	/* Called before each, when it is set. */
	void		(*hook)(enum store_op, int fd, const char *name);
	/* Called after each that succeeded. */
	void		(*done)(enum store_op, int fd, const char *name);
};
extern struct store_faults	 store_faults;

/* No faults, no trace. */
void	 store_faults_reset(void);
/* How often that operation is in the trace. */
unsigned int	 store_traced(enum store_op);

#endif
