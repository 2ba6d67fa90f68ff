// Preload library: while the file named by FAIL_FSYNC exists, fsync and fdatasync of regular files fail with EIO.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static int shall_fail(int fd) {
  const char* trigger = getenv("FAIL_FSYNC");
  struct stat status;
  return trigger != NULL && access(trigger, F_OK) == 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int fsync(int fd) {
  const sync_function real = (sync_function)dlsym(RTLD_NEXT, "fsync");
  if (!shall_fail(fd)) return real(fd);
  errno = EIO;
  return -1;
}

int fdatasync(int fd) {
  const sync_function real = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
  if (!shall_fail(fd)) return real(fd);
  errno = EIO;
  return -1;
}
