/* Looks a name up with c-ares, the resolver of Envoy, curl, gRPC and others, search list included.
 * Usage: c-ares NAME [4|6]. Prints an address a line, or the error; exits with 1 after an error. */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

static int status_of_lookup;

static void on_result(void *argument, int status, int timeouts, struct ares_addrinfo *result) {
  (void)argument;
  (void)timeouts;
  status_of_lookup = status;
  if (status != ARES_SUCCESS) {
    printf("error: %s\n", ares_strerror(status));
    return;
  }
  for (struct ares_addrinfo_node *node = result->nodes; node != NULL; node = node->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void *bytes = node->ai_family == AF_INET ? (const void *)&((struct sockaddr_in *)node->ai_addr)->sin_addr
                                                   : (const void *)&((struct sockaddr_in6 *)node->ai_addr)->sin6_addr;
    puts(inet_ntop(node->ai_family, bytes, text, sizeof text));
  }
  ares_freeaddrinfo(result);
}

int main(int argc, char **argv) {
  ares_channel channel;
  struct ares_addrinfo_hints hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = argc < 3 ? AF_UNSPEC : argv[2][0] == '6' ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (argc < 2 || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS || ares_init(&channel) != ARES_SUCCESS) return 2;
  ares_getaddrinfo(channel, argv[1], NULL, &hints, on_result, NULL);
  for (;;) {
    fd_set readers, writers;
    struct timeval patience;
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    int count = ares_fds(channel, &readers, &writers);
    if (count == 0) break;
    select(count, &readers, &writers, NULL, ares_timeout(channel, NULL, &patience));
    ares_process(channel, &readers, &writers);
  }
  ares_destroy(channel);
  ares_library_cleanup();
  return status_of_lookup == ARES_SUCCESS ? 0 : 1;
}
