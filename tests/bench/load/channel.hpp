// SPDX-License-Identifier: MIT
// A socket that does not block, with or without TLS.
#ifndef LOAD_CHANNEL_HPP
#define LOAD_CHANNEL_HPP

#include <netinet/in.h>
#include <sys/types.h>

#include <cstddef>
#include <string>

typedef struct ssl_st SSL;  // of OpenSSL, which is there with -DWITH_TLS only

namespace load {

class Channel {
 public:
  Channel() = default;
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void connect(const sockaddr_in& address, bool tls);
  void close();
  bool is_open() const { return fd_ >= 0; }
  bool is_tls() const { return tls_ != nullptr; }
  int fd() const { return fd_; }

  // Octets read, 0 at the end, -1 = none for now.
  ssize_t read(char* to, std::size_t room);
  // Sends what it can and removes it; false = some is left.
  bool write(std::string& octets);
  void acknowledge_at_once() const;

 private:
  [[noreturn]] void lost(const char* what) const;

  int fd_ = -1;
  SSL* tls_ = nullptr;
};

}  // namespace load

#endif
