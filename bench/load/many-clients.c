/* Asks for names that are asked once each, from many client addresses of the loopback at a time: dnsperf has one
 * address, and a resolver may limit what one client has forwarded.
 * Usage: many-clients PORT CLIENTS SECONDS COUNT ZONE. Asks for the A records of n0.ZONE, n1.ZONE, …, one question of
 * each client at a time, until the time is over or COUNT names are answered. Prints "sent answered noerror seconds". */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, MOST_CLIENTS = 1024, EVENTS = 64, LARGEST = 1500 };
/* A question without answer for so long is lost; its client asks the next one. */
static const double PATIENCE_SECONDS = 2;

struct client {
  int socket;
  uint16_t id;
  double sent_at; /* 0: no question is out */
};

static struct client clients[MOST_CLIENTS];
static unsigned long sent, answered, noerror, count;
static const char *zone;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* Writes a name as labels; gives what follows it. */
static unsigned char *write_name(unsigned char *out, const char *name) {
  while (*name != '\0') {
    size_t length = strcspn(name, ".");
    *out++ = (unsigned char)length;
    memcpy(out, name, length);
    out += length;
    name += length + (name[length] == '.');
  }
  *out++ = 0;
  return out;
}

static void ask(struct client *client, double at) {
  unsigned char message[LARGEST] = {0};
  char name[256];
  client->sent_at = 0;
  if (sent >= count) return;
  client->id++;
  message[0] = client->id >> 8;
  message[1] = client->id & 0xff;
  message[2] = 1; /* RD */
  message[5] = 1; /* one question */
  snprintf(name, sizeof name, "n%lu.%s", sent, zone);
  unsigned char *end = write_name(message + HEADER, name);
  memcpy(end, "\0\1\0\1", 4); /* A, IN */
  if (send(client->socket, message, end + 4 - message, 0) < 0) return;
  client->sent_at = at;
  sent++;
}

static void receive(struct client *client, double at) {
  unsigned char message[LARGEST];
  ssize_t length;
  while ((length = recv(client->socket, message, sizeof message, MSG_DONTWAIT)) >= HEADER) {
    if (client->sent_at == 0 || ((message[0] << 8) | message[1]) != client->id) continue;
    answered++;
    noerror += (message[3] & 0xf) == 0 && message[7] > 0;
    ask(client, at);
  }
}

static void open_client(struct client *client, int index, int port, int poll) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + index)};
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  client->socket = socket(AF_INET, SOCK_DGRAM, 0);
  if (client->socket < 0 || bind(client->socket, (void *)&own, sizeof own) < 0 ||
      connect(client->socket, (void *)&server, sizeof server) < 0 ||
      epoll_ctl(poll, EPOLL_CTL_ADD, client->socket, &event) < 0) {
    perror("client");
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int port = atoi(argv[1]), number = atoi(argv[2]), poll = epoll_create1(0);
  double seconds = atof(argv[3]), started = now(), at = started, checked_at = started;
  count = strtoul(argv[4], NULL, 10);
  zone = argv[5];
  if (number < 1 || number > MOST_CLIENTS) return 2;
  for (int index = 0; index < number; index++) open_client(&clients[index], index, port, poll);
  for (int index = 0; index < number; index++) ask(&clients[index], at);
  while (at - started < seconds) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poll, events, EVENTS, 100);
    at = now();
    for (int index = 0; index < ready; index++) receive(events[index].data.ptr, at);
    int waiting = 0;
    if (at - checked_at < 0.1 && sent < count) continue;
    checked_at = at;
    for (int index = 0; index < number; index++) {
      struct client *client = &clients[index];
      if (client->sent_at == 0 || at - client->sent_at > PATIENCE_SECONDS) ask(client, at);
      waiting += client->sent_at != 0;
    }
    if (waiting == 0) break;
  }
  printf("%lu %lu %lu %f\n", sent, answered, noerror, at - started);
  return 0;
}
