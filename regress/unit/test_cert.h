/* See LICENSE for the terms. */

/*
 * Certificates for tests, good from 2020 to 2119: "good" is for
 * relay.example, localhost and 127.0.0.1 and signed by itself, so that it is
 * also the trust to go with it; "bad" is the same of another maker.
 */
#ifndef REGRESS_TEST_CERT_H
#define REGRESS_TEST_CERT_H

#define TEST_GOOD_CRT \
	"-----BEGIN CERTIFICATE-----\n" \
	"MIIBcjCCARigAwIBAgIUUp4ak71gOJZsl0O3WdaddfeSiHwwCgYIKoZIzj0EAwIw\n" \
	"GDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw\n" \
	"MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTBZMBMGByqGSM49\n" \
	"AgEGCCqGSM49AwEHA0IABBV51i0PW4l6cDW3qLvpTNRR1+Pv4x8oX6ORQNwNqE6A\n" \
	"qyGRmGDJWfJjHMxhJuRjDwG+rDr/dX4KMXcfe18lMQKjPjA8MA8GA1UdEwEB/wQF\n" \
	"MAMBAf8wKQYDVR0RBCIwIIINcmVsYXkuZXhhbXBsZYIJbG9jYWxob3N0hwR/AAAB\n" \
	"MAoGCCqGSM49BAMCA0gAMEUCIQC+REzi7C5D0nAfhNZDZrSKdwO+KqTDw+ouCf5J\n" \
	"jFU+hAIgKZJwo0WmKDLPet20SEE60lYr3YKiXqH0dfAMUuWAnI8=\n" \
	"-----END CERTIFICATE-----\n"

#define TEST_GOOD_KEY \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi2vWuR0hHgYviKvk\n" \
	"Lb9pyRYVM9pWf2HdgIiAjIw06RKhRANCAAQVedYtD1uJenA1t6i76UzUUdfj7+Mf\n" \
	"KF+jkUDcDahOgKshkZhgyVnyYxzMYSbkYw8Bvqw6/3V+CjF3H3tfJTEC\n" \
	"-----END PRIVATE KEY-----\n"

#define TEST_BAD_CRT \
	"-----BEGIN CERTIFICATE-----\n" \
	"MIIBcTCCARigAwIBAgIUR9CUz90XtkUfvoqlfD9LA7rzv08wCgYIKoZIzj0EAwIw\n" \
	"GDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw\n" \
	"MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTBZMBMGByqGSM49\n" \
	"AgEGCCqGSM49AwEHA0IABIXv+rOLIlXmSMGfRceVKmm61yD/5gMY1wbgbqhGNqnN\n" \
	"qcIkFL4qcFDlV4R6gND35S4eF7e4Q9EKmImylyOsgLCjPjA8MA8GA1UdEwEB/wQF\n" \
	"MAMBAf8wKQYDVR0RBCIwIIINcmVsYXkuZXhhbXBsZYIJbG9jYWxob3N0hwR/AAAB\n" \
	"MAoGCCqGSM49BAMCA0cAMEQCIAgOSjopy0IyUOYC+g8OFGcg187ed95Kbv3XCBE8\n" \
	"0YfbAiAqICQ8WFo8aw3VtmU2Z4buRg0uko3MmZAC3q4l3DGDFw==\n" \
	"-----END CERTIFICATE-----\n"

#endif
