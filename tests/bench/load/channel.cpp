// SPDX-License-Identifier: MIT
#include "channel.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "util.hpp"

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

namespace load {
namespace {

void set_tcp_option(int fd, int option) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, option, &on, sizeof on);
}

#ifdef WITH_TLS
// The server's certificate is not looked at: it is on this machine, made for this run.
SSL_CTX* tls_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(made,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
  }();
  return context;
}

// Whether the call that returned `result` only has to wait.
bool has_to_wait(SSL* tls, int result) {
  const int error = SSL_get_error(tls, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}
#endif

}  // namespace

void Channel::connect(const sockaddr_in& address, bool tls) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) lost("socket");
  set_tcp_option(fd_, TCP_NODELAY);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS)
    lost("connect");
  if (!tls) return;
#ifdef WITH_TLS
  tls_ = SSL_new(tls_context());
  SSL_set_fd(tls_, fd_);
  SSL_set_connect_state(tls_);
#else
  fail("built without TLS");
#endif
}

void Channel::close() {
#ifdef WITH_TLS
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    ERR_clear_error();
    SSL_free(tls_);
  }
#endif
  tls_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

ssize_t Channel::read(char* to, std::size_t room) {
#ifdef WITH_TLS
  if (tls_ != nullptr) {
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(tls_, to, room, &n);
    if (result > 0) return static_cast<ssize_t>(n);
    if (has_to_wait(tls_, result) || (!SSL_is_init_finished(tls_) && errno == ENOTCONN)) return -1;
    if (SSL_get_error(tls_, result) == SSL_ERROR_ZERO_RETURN) return 0;
    if (SSL_get_error(tls_, result) == SSL_ERROR_SYSCALL && errno == 0) return 0;
    lost("TLS read");
  }
#endif
  const ssize_t n = ::recv(fd_, to, room, 0);
  if (n < 0 && errno != EAGAIN && errno != EINTR) lost("recv");
  return n;
}

bool Channel::write(std::string& octets) {
  while (!octets.empty()) {
    std::size_t sent = 0;
#ifdef WITH_TLS
    if (tls_ != nullptr) {
      ERR_clear_error();
      const int result = SSL_write_ex(tls_, octets.data(), octets.size(), &sent);
      if (result <= 0 && has_to_wait(tls_, result)) return false;
      if (result <= 0) lost("TLS write");
      octets.erase(0, sent);
      continue;
    }
#endif
    const ssize_t n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0 && errno != EINTR) lost("send");
    if (n > 0) sent = static_cast<std::size_t>(n);
    octets.erase(0, sent);
  }
  return true;
}

void Channel::acknowledge_at_once() const { set_tcp_option(fd_, TCP_QUICKACK); }

void Channel::lost(const char* what) const { fail(std::string(what) + ": " + std::strerror(errno)); }

}  // namespace load
