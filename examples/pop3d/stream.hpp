// SPDX-License-Identifier: MIT
// Octets over a non-blocking socket, in the clear or through TLS. Nothing here waits.
#ifndef POP3D_STREAM_HPP
#define POP3D_STREAM_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pop3/types.hpp"
#include "tls.hpp"

namespace pop3d {

// What became of one try.
struct Tried {
  enum Result {
    done,
    wait_readable,  // try again when the socket is
    wait_writable,
    end,     // the peer sends no more
    failed,  // the connection is of no use any more
  };
  Result result = failed;
  std::size_t octets = 0;  // done: how many
  bool used_up = false;    // done: another try would be in vain before the socket is ready again
};

// Of a call of the system that returned this, and set errno. `wait`: what to do if it has to be tried again.
Tried after_call(std::ptrdiff_t returned, Tried::Result wait) noexcept;

class Stream {
 public:
  explicit Stream(int socket) noexcept : socket_(socket) {}  // in the clear. The socket stays the caller's

  // From here on nothing goes in the clear. `already_read` are octets that came from the socket before: the client's
  // first ones of TLS. Throws std::bad_alloc.
  void start_tls(std::shared_ptr<const TlsContext> tls, std::string_view already_read);
  bool encrypted() const noexcept { return ssl_ != nullptr; }
  Tried handshake();  // TLS: first of all, until `done`
  bool shook_hands() const noexcept { return encrypted() && SSL_is_init_finished(ssl_.get()) == 1; }
  // After that; see tls.hpp. Both are empty in the clear.
  TlsDetails tls_details() const;
  std::string channel_binding(std::string_view type) const;

  Tried read(char* to, std::size_t room);
  // As much as one send, or one TLS record, takes; `count` is at least 1. Octets that were tried once have to be tried
  // again, until `done`. `more_follows`, at once: a packet that is not full may wait for it.
  Tried write(const pop3::ConstBuffer* runs, std::size_t count, bool more_follows);
  // Octets of a file, unseen, as many as one call takes; may wait for its disk. Not through TLS. None: there are no
  // more.
  bool sends_files() const noexcept { return !encrypted(); }
  Tried send_file(int file, std::uint64_t offset, std::size_t size) const;
  void push() const noexcept;  // what write() held back, since more was to follow, leaves now
  // There may be more to read() although the socket is not readable.
  bool has_read_ahead() const noexcept { return read_ahead_; }

  Tried close_notify();  // TLS: says that this was all
  void shut_sending() noexcept;
  Tried discard();  // takes in what the peer still sends, unseen

 private:
  Tried after_tls(int returned);
  Tried write_tls(const pop3::ConstBuffer* runs, std::size_t count);

  int socket_;
  bool read_ahead_ = false;  // OpenSSL has octets that it has not given to anybody: perhaps no whole record
  std::shared_ptr<const TlsContext> tls_;
  std::unique_ptr<SSL, FreeTls> ssl_;
};

}  // namespace pop3d

#endif
