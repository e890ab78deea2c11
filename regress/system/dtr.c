/* See LICENSE for the terms. */
/*
 * Preloaded into relayd: gives pseudo-terminals modem control lines that
 * lead nowhere, as those of cheap adapters do.
 */
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

int	 ioctl(int, unsigned long, ...);

int
ioctl(int fd, unsigned long request, ...)
{
	va_list	 ap;
	void	*arg;
	int	 r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	r = (int)syscall(SYS_ioctl, fd, request, arg);
	if (r != -1 || (errno != ENOTTY && errno != EINVAL))
		return (r);
	switch (request) {
	case TIOCMGET:
		*(int *)arg = TIOCM_DTR | TIOCM_RTS;
		return (0);
	case TIOCMBIS:
	case TIOCMBIC:
		return (0);
	}
	return (r);
}
