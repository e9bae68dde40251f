/* Looks a name up as nearly every program does: getaddrinfo. Built with glibc and with musl.
 * Usage: getaddrinfo NAME [4|6]. Prints an address a line, or the error; exits with 1 after an error. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void print_address(const struct sockaddr *address) {
  char text[INET6_ADDRSTRLEN];
  const void *bytes = address->sa_family == AF_INET ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                                                    : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
  puts(inet_ntop(address->sa_family, bytes, text, sizeof text));
}

int main(int argc, char **argv) {
  struct addrinfo hints, *list, *one;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = argc < 3 ? AF_UNSPEC : argv[2][0] == '6' ? AF_INET6 : AF_INET;
  if (argc < 2) return 2;
  int error = getaddrinfo(argv[1], "443", &hints, &list);
  if (error != 0) {
    printf("error: %s\n", gai_strerror(error));
    return 1;
  }
  for (one = list; one != NULL; one = one->ai_next) print_address(one->ai_addr);
  freeaddrinfo(list);
  return 0;
}
