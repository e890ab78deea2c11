/* See LICENSE for the terms. */
/*
 * The mail of the benchmark, the same at every run: text, HTML and
 * attachments with the header fields that providers add, sized and
 * compressible as such mail is.
 * usage: mail directory in|out|small-in|small-out|probe NUMBER
 * Writes directory/01.eml and so on, with CRLF.  probe is one small message,
 * of that number.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_TEXT	72
#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

enum kind { TEXT, REPLY, HTML, BOTH, FILES };

/* What a message is, and how many bytes it has at least. */
struct plan {
	enum kind	 kind;
	long		 size;
};

/* 40 messages, some 350 KB: seven attachments have half of it. */
static const struct plan	 plan_in[] = {
	{ TEXT, 2100 }, { BOTH, 5900 }, { TEXT, 2600 }, { HTML, 11800 },
	{ REPLY, 3100 }, { FILES, 24500 }, { TEXT, 1900 }, { BOTH, 6400 },
	{ TEXT, 2300 }, { REPLY, 2900 }, { HTML, 9800 }, { TEXT, 2000 },
	{ FILES, 43500 }, { BOTH, 5200 }, { TEXT, 1800 }, { TEXT, 2700 },
	{ HTML, 12900 }, { REPLY, 2500 }, { FILES, 17200 }, { BOTH, 7100 },
	{ TEXT, 2200 }, { TEXT, 1700 }, { HTML, 10600 }, { FILES, 36200 },
	{ BOTH, 4800 }, { TEXT, 2400 }, { REPLY, 3300 }, { TEXT, 1900 },
	{ HTML, 8700 }, { BOTH, 6700 }, { FILES, 12100 }, { TEXT, 2000 },
	{ TEXT, 1800 }, { BOTH, 5500 }, { FILES, 28400 }, { HTML, 11200 },
	{ REPLY, 2700 }, { BOTH, 6100 }, { TEXT, 2200 }, { FILES, 22100 }
};
/* 20 messages, some 120 KB. */
static const struct plan	 plan_out[] = {
	{ TEXT, 1200 }, { BOTH, 5600 }, { TEXT, 1500 }, { REPLY, 2600 },
	{ FILES, 19800 }, { TEXT, 1100 }, { BOTH, 4900 }, { TEXT, 1700 },
	{ REPLY, 2200 }, { TEXT, 1300 }, { FILES, 36500 }, { BOTH, 6100 },
	{ TEXT, 1400 }, { REPLY, 2900 }, { TEXT, 1200 }, { FILES, 13400 },
	{ BOTH, 5300 }, { TEXT, 1800 }, { TEXT, 1600 }, { BOTH, 5000 }
};
/* 10 messages, 25 KB. */
static const struct plan	 plan_small_in[] = {
	{ TEXT, 1700 }, { BOTH, 3300 }, { TEXT, 1900 }, { REPLY, 2300 },
	{ TEXT, 1600 }, { FILES, 4600 }, { TEXT, 1800 }, { BOTH, 3400 },
	{ REPLY, 2200 }, { TEXT, 1700 }
};
/* 5 messages, 10 KB. */
static const struct plan	 plan_small_out[] = {
	{ TEXT, 1200 }, { REPLY, 1900 }, { FILES, 3900 }, { TEXT, 1300 },
	{ TEXT, 1500 }
};
static const struct plan	 plan_probe[] = { { TEXT, 900 } };

/* The most frequent first, for they are drawn so. */
static const char *const	 vocabulary[] = {
	"the", "to", "and", "of", "a", "in", "for", "is", "you", "that",
	"on", "we", "be", "with", "it", "have", "this", "are", "will", "as",
	"at", "not", "your", "from", "or", "can", "by", "our", "if", "all",
	"but", "they", "has", "please", "was", "would", "there", "which",
	"about", "been", "one", "their", "any", "do", "time", "so", "what",
	"before", "out", "when", "some", "more", "after", "up", "should",
	"than", "no", "other", "also", "new", "week", "next", "only", "could",
	"order", "need", "day", "just", "were", "like", "first", "who",
	"these", "them", "he", "she", "report", "arrive", "know", "into",
	"number", "last", "two", "over", "work", "very", "office", "under",
	"between", "still", "back", "good", "then", "received", "send",
	"weather", "port", "cargo", "engine", "spare", "parts", "crew",
	"vessel", "captain", "schedule", "delay", "through", "attached",
	"document", "invoice", "signed", "copy", "original", "agent",
	"customs", "clearance", "morning", "afternoon", "evening", "Monday",
	"Tuesday", "Wednesday", "Thursday", "Friday", "January", "February",
	"March", "fuel", "consumption", "tonnes", "pressure", "temperature",
	"pump", "valve", "repaired", "replaced", "inspection", "certificate",
	"expires", "renewal", "doctor", "medicine", "patient", "hospital",
	"family", "children", "school", "holiday", "birthday", "letter",
	"photograph", "remember", "garden", "kitchen", "winter", "summer",
	"snow", "wind", "north", "south", "harbour", "anchor", "pilot",
	"station", "research", "sample", "measurement", "instrument",
	"laboratory", "calibration", "supplier", "quotation", "price",
	"delivery", "shipment", "container", "warehouse", "transport",
	"railway", "flight", "passport", "contract", "salary", "payment",
	"transfer", "account", "insurance", "meeting", "agenda", "minutes",
	"decision", "proposal", "budget", "department", "manager", "question",
	"answer", "problem", "solution", "possible", "necessary", "urgent",
	"important", "information", "regarding", "confirm", "forward",
	"following", "available", "additional", "regards", "sincerely",
	"thank", "hope", "together", "although", "because", "already",
	"perhaps", "several", "enough", "rather", "without", "against",
	"during", "until", "however", "therefore", "usually", "probably",
	"considerable", "equipment", "maintenance", "requirement",
	"navigation", "electrical", "hydraulic", "generator", "compressor",
	"bearing", "lubrication", "documentation", "authority", "regulation",
	"environmental", "safety", "exercise", "passenger", "provisions",
	"vegetables", "potatoes", "coffee", "bread", "newspaper", "football",
	"weekend", "neighbour", "village", "mountain", "island", "river",
	"bridge", "market", "church", "music", "evening's", "telephone",
	"satellite", "antenna", "frequency", "computer", "software",
	"network", "password", "backup", "keyboard", "printer", "paper"
};
static const char *const	 names[] = {
	"Anna Lindqvist", "Bernard Okafor", "Chiara Russo", "Dmitri Volkov",
	"Elena Petrova", "Felix Andersen", "Greta Hoffmann", "Hiroshi Tanaka",
	"Ines Carvalho", "Jonas Meyer", "Katarzyna Nowak", "Liam O'Connor",
	"Maria Papadaki", "Niels de Vries", "Olga Ivanova", "Pedro Alvarez"
};
static const char	 alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

static unsigned long long	 state;

static unsigned int
rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned int)(state >> 33) % n);
}

static void
random_chars(FILE *f, unsigned int n, unsigned int set)
{
	while (n-- > 0)
		fputc(alphabet[rnd(set)], f);
}

/* Frequent words come often, as the square of an even draw has it. */
static const char *
word(void)
{
	unsigned int	 n = NITEMS(vocabulary), a = rnd(n), b = rnd(n);

	return (vocabulary[a * b / n]);
}

/* Words of a sentence into s, each line of them no longer than it may be. */
static size_t
sentence(char *s, size_t size)
{
	unsigned int	 i, n = 6 + rnd(14);
	size_t		 len = 0;

	for (i = 0; i < n && len < size - 40; i++) {
		if (rnd(24) == 0)
			len += (size_t)snprintf(s + len, size - len, "%s%u",
			    i ? " " : "", 2 + rnd(4000));
		else
			len += (size_t)snprintf(s + len, size - len, "%s%s",
			    i ? " " : "", word());
		if (i > 0 && i < n - 1 && rnd(9) == 0)
			s[len++] = ',';
	}
	if (s[0] >= 'a' && s[0] <= 'z')
		s[0] = (char)(s[0] - 'a' + 'A');
	s[len++] = rnd(10) == 0 ? '?' : '.';
	s[len] = '\0';
	return (len);
}

/* A paragraph, each line after that prefix. */
static void
paragraph(FILE *f, const char *prefix)
{
	char		 s[512], *w, *p;
	unsigned int	 n = 2 + rnd(4);
	size_t		 column = 0;

	while (n-- > 0) {
		(void)sentence(s, sizeof(s));
		for (p = s; (w = strsep(&p, " ")) != NULL;) {
			if (column + strlen(w) + 1 > LINE_MAX_TEXT) {
				fputs("\r\n", f);
				column = 0;
			}
			fprintf(f, "%s%s", column == 0 ? prefix : " ", w);
			column += strlen(w) + 1;
		}
	}
	fprintf(f, "\r\n%s\r\n", prefix);
}

static void
text(FILE *f, long end)
{
	fprintf(f, "Dear %s,\r\n\r\n", names[rnd(NITEMS(names))]);
	do
		paragraph(f, "");
	while (ftell(f) < end);
	fprintf(f, "Kind regards\r\n%s\r\n-- \r\nTel. +%u %u %u\r\n",
	    names[rnd(NITEMS(names))], 1 + rnd(98), 10 + rnd(900),
	    10000 + rnd(90000));
}

/* An answer above the whole of what it answers. */
static void
reply(FILE *f, long end)
{
	paragraph(f, "");
	fprintf(f, "On Mon, %u Jan 2026 at %02u:%02u, %s wrote:\r\n",
	    1 + rnd(28), rnd(24), rnd(60), names[rnd(NITEMS(names))]);
	do
		paragraph(f, "> ");
	while (ftell(f) < end);
}

/* As the programs write it that write newsletters. */
static void
html(FILE *f, long end)
{
	char	 s[512];

	fputs("<html><head><meta http-equiv=3D\"Content-Type\" content=3D=\r\n"
	    "\"text/html; charset=3Dutf-8\"><style type=3D\"text/css\">\r\n"
	    "p.MsoNormal{margin:0cm;font-size:11.0pt;font-family:\"Calibri\","
	    "sans-serif;}\r\n"
	    "a:link{color:#0563C1;text-decoration:underline;}\r\n"
	    "</style></head>\r\n<body lang=3D\"EN-GB\">\r\n"
	    "<table width=3D\"600\" cellpadding=3D\"0\" cellspacing=3D\"0\">"
	    "\r\n", f);
	do {
		(void)sentence(s, sizeof(s));
		fprintf(f, "<tr><td style=3D\"padding:8px 12px;border-bottom:"
		    "1px solid #%06x\">=\r\n", rnd(0x1000000));
		if (rnd(3) == 0)
			fprintf(f, "<a href=3D\"https://news.example/c/%x"
			    "?u=3D%08x%08x\" target=3D\"_blank\">=\r\n",
			    rnd(0x10000), rnd(0x7fffffff), rnd(0x7fffffff));
		fputs("<p class=3D\"MsoNormal\"><span style=3D\"font-size:"
		    "10.0pt\">=\r\n", f);
		/* Soft breaks keep the lines short. */
		for (char *p = s; *p != '\0'; p += strlen(p) < 70 ?
		    strlen(p) : 70)
			fprintf(f, "%.70s=\r\n", p);
		fputs("</span></p></td></tr>\r\n", f);
	} while (ftell(f) < end);
	fputs("</table></body></html>\r\n", f);
}

/* What is in it is compressed already, as photographs and documents are. */
static void
attachment(FILE *f, long end)
{
	do {
		random_chars(f, 76, 64);
		fputs("\r\n", f);
	} while (ftell(f) < end);
}

static void
trace(FILE *f, int number)
{
	static const char *const	 hosts[] = { "mx1.isp.test",
	    "filter.isp.test", "out-17.mail.far.test" };
	unsigned int			 i;

	for (i = 0; i < NITEMS(hosts); i++) {
		fprintf(f, "Received: from %s (%s [192.0.2.%u])\r\n"
		    "\tby %s (Postfix) with ESMTPS id ",
		    hosts[(i + 1) % NITEMS(hosts)],
		    hosts[(i + 1) % NITEMS(hosts)], 1 + rnd(250), hosts[i]);
		random_chars(f, 11, 26);
		fprintf(f, "\r\n\tfor <user@ship.test>; Mon, %u Jan 2026 "
		    "%02u:%02u:%02u +0000 (UTC)\r\n", 1 + (unsigned)number % 28,
		    rnd(24), rnd(60), rnd(60));
	}
	fputs("Authentication-Results: mx1.isp.test; dkim=pass (2048-bit key)"
	    "\r\n\theader.d=far.test header.s=s2026\r\n", f);
	fputs("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
	    "d=far.test;\r\n\ts=s2026; t=1767600000; "
	    "h=from:subject:date:message-id:to:mime-version;\r\n\tbh=", f);
	random_chars(f, 43, 64);
	fputs("=;\r\n\tb=", f);
	for (i = 0; i < 5; i++) {
		random_chars(f, 68, 64);
		fputs("\r\n\t ", f);
	}
	fputs("==\r\n", f);
}

static void
fields(FILE *f, const char *set, int number, int incoming)
{
	const char	*name = names[rnd(NITEMS(names))];

	fprintf(f, "Date: Mon, %d Jan 2026 %02u:%02u:00 +0000\r\n"
	    "From: %s <%s@%s.test>\r\nTo: %s <user@%s.test>\r\n",
	    1 + number % 28, rnd(24), rnd(60), name,
	    incoming ? "sender" : "alice", incoming ? "far" : "ship",
	    names[rnd(NITEMS(names))], incoming ? "ship" : "far");
	fprintf(f, "Message-ID: <%s.%d.%08x@bench.test>\r\nSubject: %s %s %s "
	    "%s\r\nMIME-Version: 1.0\r\n", set, number, rnd(0x7fffffff),
	    word(), word(), word(), word());
	if (incoming)
		fputs("X-Mailer: Microsoft Outlook 16.0\r\n"
		    "Thread-Index: AdpQ7gkT\r\nContent-Language: en-gb\r\n",
		    f);
	else
		fputs("User-Agent: Mozilla Thunderbird\r\n", f);
}

static void
message(const char *dir, const char *set, int number, const struct plan *p)
{
	char	 path[1024];
	FILE	*f;
	int	 incoming = strstr(set, "in") != NULL;

	snprintf(path, sizeof(path), "%s/%02d.eml", dir, number);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	if (incoming)
		trace(f, number);
	fields(f, set, number, incoming);
	switch (p->kind) {
	case TEXT:
	case REPLY:
		fputs("Content-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: 7bit\r\n\r\n", f);
		(p->kind == TEXT ? text : reply)(f, p->size - 60);
		break;
	case HTML:
		fputs("Content-Type: text/html; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n", f);
		html(f, p->size - 30);
		break;
	case BOTH:
		fputs("Content-Type: multipart/alternative; "
		    "boundary=\"----=_Part_71\"\r\n\r\n------=_Part_71\r\n"
		    "Content-Type: text/plain; charset=utf-8\r\n\r\n", f);
		text(f, ftell(f) + (p->size - ftell(f)) / 3);
		fputs("\r\n------=_Part_71\r\nContent-Type: text/html; "
		    "charset=utf-8\r\nContent-Transfer-Encoding: "
		    "quoted-printable\r\n\r\n", f);
		html(f, p->size - 60);
		fputs("\r\n------=_Part_71--\r\n", f);
		break;
	case FILES:
		fputs("Content-Type: multipart/mixed; "
		    "boundary=\"----=_Part_72\"\r\n\r\n------=_Part_72\r\n"
		    "Content-Type: text/plain; charset=utf-8\r\n\r\n", f);
		text(f, ftell(f) + 300);
		fprintf(f, "\r\n------=_Part_72\r\nContent-Type: "
		    "application/pdf; name=\"%s.pdf\"\r\n"
		    "Content-Transfer-Encoding: base64\r\n"
		    "Content-Disposition: attachment; filename=\"%s.pdf\"\r\n"
		    "\r\n", word(), word());
		attachment(f, p->size - 60);
		fputs("\r\n------=_Part_72--\r\n", f);
		break;
	}
	if (fclose(f) == EOF)
		err(1, "%s", path);
}

int
main(int argc, char *argv[])
{
	static const struct {
		const char		*name;
		const struct plan	*plan;
		size_t			 count;
	}		 sets[] = {
		{ "in", plan_in, NITEMS(plan_in) },
		{ "out", plan_out, NITEMS(plan_out) },
		{ "small-in", plan_small_in, NITEMS(plan_small_in) },
		{ "small-out", plan_small_out, NITEMS(plan_small_out) },
		{ "probe", plan_probe, NITEMS(plan_probe) }
	};
	size_t		 i, n;
	int		 first;

	if (argc < 3 || argc > 4)
		errx(1, "usage: mail directory set [number]");
	first = argc == 4 ? atoi(argv[3]) : 1;
	for (i = 0; i < NITEMS(sets); i++)
		if (strcmp(sets[i].name, argv[2]) == 0)
			break;
	if (i == NITEMS(sets))
		errx(1, "no such set: %s", argv[2]);
	state = i * 1000 + (unsigned)first;
	for (n = 0; n < sets[i].count; n++)
		message(argv[1], argv[2], first + (int)n, &sets[i].plan[n]);
	return (0);
}
