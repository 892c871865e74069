// SPDX-License-Identifier: MIT
#include "stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace pop3d {
namespace {

constexpr std::size_t most_runs = 4;
constexpr std::size_t tls_record = 16 * 1024;

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

}  // namespace

Tried after_call(std::ptrdiff_t returned, Tried::Result wait) noexcept {
  if (returned >= 0) return {Tried::done, static_cast<std::size_t>(returned)};
  const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {again ? wait : Tried::failed};
}

// A memory BIO stands in for the socket until the octets in it are used up.
void Stream::start_tls(std::shared_ptr<const TlsContext> tls, std::string_view already_read) {
  auto ssl = tls->connection();
  if (SSL_set_fd(ssl.get(), socket_) != 1) throw std::bad_alloc();
  if (!already_read.empty()) {
    const int size = static_cast<int>(already_read.size());
    std::unique_ptr<BIO, FreeBio> memory(BIO_new(BIO_s_mem()));
    if (memory == nullptr || BIO_write(memory.get(), already_read.data(), size) != size) throw std::bad_alloc();
    SSL_set0_rbio(ssl.get(), memory.release());
  }
  tls_ = std::move(tls);
  ssl_ = std::move(ssl);
}

Tried Stream::handshake() {
  ERR_clear_error();
  Tried tried = after_tls(SSL_accept(ssl_.get()));
  // The client cannot know enough to finish, so this comes before `done`. What is half a record stays in OpenSSL.
  if (tried.result == Tried::wait_readable && BIO_method_type(SSL_get_rbio(ssl_.get())) == BIO_TYPE_MEM) {
    BIO* const socket = SSL_get_wbio(ssl_.get());
    BIO_up_ref(socket);
    SSL_set0_rbio(ssl_.get(), socket);
    tried = after_tls(SSL_accept(ssl_.get()));
  }
  read_ahead_ = SSL_has_pending(ssl_.get()) == 1;
  return tried;
}

TlsDetails Stream::tls_details() const { return ssl_ ? tls_->details(ssl_.get()) : TlsDetails{}; }

std::string Stream::channel_binding(std::string_view type) const {
  return ssl_ ? pop3d::channel_binding(ssl_.get(), type) : std::string();
}

Tried Stream::read(char* to, std::size_t room) {
  if (ssl_) {
    ERR_clear_error();
    const Tried tried = after_tls(SSL_read(ssl_.get(), to, static_cast<int>(std::min(room, tls_record))));
    read_ahead_ = tried.result == Tried::done && SSL_has_pending(ssl_.get()) == 1;
    return tried;
  }
  Tried tried = after_call(::recv(socket_, to, room, 0), Tried::wait_readable);
  tried.used_up = tried.octets < room;
  return tried.result == Tried::done && tried.octets == 0 ? Tried{Tried::end} : tried;
}

Tried Stream::write(const pop3::ConstBuffer* runs, std::size_t count, bool more_follows) {
  if (ssl_) return write_tls(runs, count);
  const int flags = more_follows ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
  iovec parts[most_runs];
  count = std::min(count, most_runs);
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {const_cast<char*>(runs[i].data), runs[i].size};
    total += runs[i].size;
  }
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  // Mostly it is one run, which is less for the system to look at.
  const ssize_t sent = count == 1 ? ::send(socket_, runs->data, total, flags) : ::sendmsg(socket_, &message, flags);
  Tried tried = after_call(sent, Tried::wait_writable);
  tried.used_up = tried.octets < total;
  return tried;
}

// There is no MSG_NOSIGNAL for this: whoever calls it ignores SIGPIPE.
Tried Stream::send_file(int file, std::uint64_t offset, std::size_t size) const {
  off_t from = static_cast<off_t>(offset);
  return after_call(::sendfile(socket_, file, &from, size), Tried::wait_writable);
}

// One record, also when the octets lie in several runs. The block is needed no longer than this: OpenSSL keeps what it
// could not send, and asks only that the same octets come again.
Tried Stream::write_tls(const pop3::ConstBuffer* runs, std::size_t count) {
  ERR_clear_error();
  if (count == 1 || runs[0].size >= tls_record)
    return after_tls(SSL_write(ssl_.get(), runs[0].data, static_cast<int>(std::min(runs[0].size, tls_record))));
  char block[tls_record];
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t n = std::min(runs[i].size, sizeof block - size);
    std::memcpy(block + size, runs[i].data, n);
    size += n;
  }
  return after_tls(SSL_write(ssl_.get(), block, static_cast<int>(size)));
}

Tried Stream::after_tls(int returned) {
  if (returned > 0) return {Tried::done, static_cast<std::size_t>(returned)};
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {Tried::wait_readable};
    case SSL_ERROR_WANT_WRITE: return {Tried::wait_writable};
    case SSL_ERROR_ZERO_RETURN: return {Tried::end};
    default: return {Tried::failed};  // a connection that ends without close_notify among others
  }
}

// A socket that is told not to hold back sends at once what MSG_MORE has held back.
void Stream::push() const noexcept {
  const int off = 0;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_CORK, &off, sizeof off);  // where it fails, they leave some time later
}

Tried Stream::close_notify() {
  if (!ssl_) return {Tried::done};
  ERR_clear_error();
  const int returned = SSL_shutdown(ssl_.get());
  return returned >= 0 ? Tried{Tried::done} : after_tls(returned);  // 0: sent, and the peer's is not waited for
}

void Stream::shut_sending() noexcept { ::shutdown(socket_, SHUT_WR); }

Tried Stream::discard() {
  char nowhere[4096];
  const Tried tried = after_call(::recv(socket_, nowhere, sizeof nowhere, 0), Tried::wait_readable);
  return tried.result == Tried::done && tried.octets == 0 ? Tried{Tried::end} : tried;
}

}  // namespace pop3d
