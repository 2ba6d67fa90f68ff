// Preload library: every fsync and fdatasync takes FSYNC_US microseconds longer, as on a slower disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int (*sync_function)(int);

static void wait_as_the_disk_would(void) {
  const char* text = getenv("FSYNC_US");
  const long us = text != NULL ? atol(text) : 0;
  if (us <= 0) return;
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fsync(int fd) {
  const sync_function real = (sync_function)dlsym(RTLD_NEXT, "fsync");
  wait_as_the_disk_would();
  return real(fd);
}

int fdatasync(int fd) {
  const sync_function real = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
  wait_as_the_disk_would();
  return real(fd);
}
