// SPDX-License-Identifier: MIT
// Calls of the system that fail: preloaded into pop3d by tests/interop/test_faults.py, which compiles it. $FAULTS names
// a file that both have mapped: for each call, in the order of `Call`, four numbers of 32 bits.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

enum class Call { pread, sendfile, openat, fstatat, readdir, flock, unlinkat, fsync, log, count };

struct Fault {
  std::atomic<std::int32_t> error;   // errno; 0 = the call works
  std::atomic<std::int32_t> passes;  // calls that still work
  std::atomic<std::int32_t> times;   // failures that are left
  std::atomic<std::int32_t> failed;  // so far
};

Fault* map_faults() {
  const char* const path = std::getenv("FAULTS");
  const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  constexpr std::size_t size = static_cast<std::size_t>(Call::count) * sizeof(Fault);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<Fault*>(memory);
}

bool fails(Call call) {
  static Fault* const faults = map_faults();
  if (faults == nullptr) return false;
  Fault& fault = faults[static_cast<int>(call)];
  if (fault.error == 0 || fault.passes-- > 0 || fault.times-- <= 0) return false;
  ++fault.failed;
  errno = fault.error;
  return true;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// The names that programs with 64-bit offsets are linked to.
extern "C" {

ssize_t pread64(int file, void* to, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  return fails(Call::pread) ? -1 : real(file, to, size, offset);
}
ssize_t preadv64v2(int file, const iovec* to, int count, off64_t offset, int flags) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int, off64_t, int)>("preadv64v2");
  return fails(Call::pread) ? -1 : real(file, to, count, offset, flags);
}
ssize_t sendfile64(int to, int from, off64_t* offset, size_t size) noexcept {
  static const auto real = next<ssize_t (*)(int, int, off64_t*, size_t)>("sendfile64");
  return fails(Call::sendfile) ? -1 : real(to, from, offset, size);
}
int openat64(int folder, const char* path, int flags, ...) {
  static const auto real = next<int (*)(int, const char*, int, ...)>("openat64");
  return fails(Call::openat) ? -1 : real(folder, path, flags, 0);  // pop3d creates nothing
}
// openat2() has no other way.
long syscall(long number, ...) noexcept {
  static const auto real = next<long (*)(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
#ifdef SYS_openat2
  if (number == SYS_openat2 && fails(Call::openat)) return -1;
#endif
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
int fstatat64(int folder, const char* path, struct stat64* found, int flags) noexcept {
  static const auto real = next<int (*)(int, const char*, struct stat64*, int)>("fstatat64");
  return fails(Call::fstatat) ? -1 : real(folder, path, found, flags);
}
dirent64* readdir64(DIR* folder) {
  static const auto real = next<dirent64* (*)(DIR*)>("readdir64");
  return fails(Call::readdir) ? nullptr : real(folder);
}
int flock(int file, int how) noexcept {
  static const auto real = next<int (*)(int, int)>("flock");
  return fails(Call::flock) ? -1 : real(file, how);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
  return fails(Call::unlinkat) ? -1 : real(folder, path, flags);
}
int fsync(int file) {
  static const auto real = next<int (*)(int)>("fsync");
  return fails(Call::fsync) ? -1 : real(file);
}
ssize_t write(int file, const void* octets, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return file == STDERR_FILENO && fails(Call::log) ? -1 : real(file, octets, size);
}

}  // extern "C"
