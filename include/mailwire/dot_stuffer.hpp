// SPDX-License-Identifier: MIT
// The body of a multi-line answer, made fit for the wire: dots doubled at the start of lines, line ends made CRLF,
// the end written (RFC 1939, 3). One small state machine for every kind of body, whatever the cuts:
//
//   - a body starts at the start of a line, so a dot in its very first octet is doubled;
//   - an LF is a line end, a CR alone is not;
//   - `repair` sends CR LF for an LF alone; `verbatim` leaves it, and still doubles a dot behind it, since there are
//     clients that split at LF.
#ifndef MAILWIRE_DOT_STUFFER_HPP
#define MAILWIRE_DOT_STUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mailwire {
inline namespace v1 {

enum class BodyLines : std::uint8_t {
  repair,    // an LF without CR becomes CRLF
  verbatim,  // line ends are sent as they are given; a store that holds CRLF anyway
};

class DotStuffer {
 public:
  explicit DotStuffer(BodyLines lines = BodyLines::repair) noexcept : repair_(lines == BodyLines::repair) {}

  // How many octets at the front of `in`, the next octets of the body, can be sent as they are.
  std::size_t clean_prefix(std::string_view in) const noexcept {
    if (in.empty() || (line_start_ && in[0] == '.')) return 0;
    const char* const begin = in.data();
    const char* const end = begin + in.size();
    for (const char* p = begin;;) {
      const char* const lf = find_lf(p, end);
      if (lf == end) return in.size();
      if (repair_ && !(lf == begin ? last_was_cr_ : lf[-1] == '\r')) return static_cast<std::size_t>(lf - begin);
      p = lf + 1;
      if (p == end) return in.size();
      if (*p == '.') return static_cast<std::size_t>(p - begin);
    }
  }
  // Octets that clean_prefix() found clean are sent by the caller.
  void pass(std::string_view clean) noexcept {
    if (clean.empty()) return;
    octets_ += clean.size();
    const char last = clean.back();
    if (last == '\n') {
      const bool after_cr = clean.size() > 1 ? clean[clean.size() - 2] == '\r' : last_was_cr_;
      line_ended(after_cr);
    } else {
      in_line(last == '\r');
    }
  }

  // The same for whole lines that nobody looks at: each ends with CRLF and begins with something else than a dot.
  void pass_unseen(std::uint64_t octets) noexcept {
    octets_ += octets;
    if (octets > 0) line_ended(true);
  }

  // Writes the next octets of the body to `out` as they go over the wire, until `in` or `room` is used up.
  struct Step {
    std::size_t taken;    // octets of `in`
    std::size_t written;  // octets of `out`
  };
  Step copy(std::string_view in, char* out, std::size_t room) noexcept {
    Copy sink{out, room};
    const std::size_t taken = run(in, sink);
    return {taken, static_cast<std::size_t>(sink.out - out)};
  }
  // The same without writing anything: only octets() is wanted.
  void count(std::string_view in) noexcept {
    Nowhere sink;
    run(in, sink);
  }

  // What follows the last octet of the body: the line end it may lack, then ".CRLF".
  std::string_view end() const noexcept {
    constexpr std::string_view text = "\r\n.\r\n";
    return crlf_end_ ? text.substr(2) : text;
  }
  // The size of the body so far as RFC 1939, 11 counts it: line ends as they are sent, the one that is missing at the
  // end included, doubled dots not.
  std::uint64_t octets() const noexcept { return octets_ + (crlf_end_ ? 0U : 2U); }

 private:
  struct Copy {
    char* out;
    std::size_t left;
    std::size_t room() const noexcept { return left; }
    void put(char octet) noexcept {
      *out++ = octet;
      --left;
    }
    void put(const char* data, std::size_t n) noexcept {
      std::memcpy(out, data, n);
      out += n;
      left -= n;
    }
  };
  struct Nowhere {
    static std::size_t room() noexcept { return ~std::size_t{0}; }
    static void put(char) noexcept {}
    static void put(const char*, std::size_t) noexcept {}
  };

  static const char* find_lf(const char* p, const char* end) noexcept {
    const void* const lf = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
    return lf == nullptr ? end : static_cast<const char*>(lf);
  }

  template <class Sink>
  std::size_t run(std::string_view in, Sink& sink) noexcept {
    const char* p = in.data();
    const char* const end = p + in.size();
    while (p != end && sink.room() > 0) {
      if (line_start_ && *p == '.') {
        sink.put('.');
        line_start_ = false;
      } else if (*p == '\n') {
        p += put_lf(sink);
      } else {
        p += put_in_line(p, end, sink);
      }
    }
    return static_cast<std::size_t>(p - in.data());
  }
  // The line end at hand, or the CR that it lacks; returns how many octets of the body that used up.
  template <class Sink>
  std::size_t put_lf(Sink& sink) noexcept {
    ++octets_;
    if (repair_ && !last_was_cr_) {
      sink.put('\r');
      in_line(true);
      return 0;
    }
    sink.put('\n');
    line_ended(last_was_cr_);
    return 1;
  }
  // The octets up to the next LF, as far as there is room.
  template <class Sink>
  std::size_t put_in_line(const char* p, const char* end, Sink& sink) noexcept {
    auto n = static_cast<std::size_t>(end - p);
    if (n > sink.room()) n = sink.room();
    n = static_cast<std::size_t>(find_lf(p, p + n) - p);
    sink.put(p, n);
    octets_ += n;
    in_line(p[n - 1] == '\r');
    return n;
  }

  void line_ended(bool after_cr) noexcept {
    line_start_ = true;
    last_was_cr_ = false;
    crlf_end_ = after_cr;
  }
  void in_line(bool cr) noexcept {
    line_start_ = crlf_end_ = false;
    last_was_cr_ = cr;
  }

  std::uint64_t octets_ = 0;
  bool repair_;
  bool line_start_ = true;    // the next octet is the first of a line
  bool crlf_end_ = true;      // the last octets were CR LF, or there were none
  bool last_was_cr_ = false;  // an LF that comes next needs no CR
};

// The size that LIST and STAT must tell for a message (RFC 1939, 11), for stores that hold it in another form. Feed
// it the message in pieces of any size.
class OctetCounter {
 public:
  explicit OctetCounter(BodyLines lines = BodyLines::repair) noexcept : stuffer_(lines) {}
  void add(std::string_view piece) noexcept { stuffer_.count(piece); }
  std::uint64_t octets() const noexcept { return stuffer_.octets(); }

 private:
  DotStuffer stuffer_;
};

}  // namespace v1
}  // namespace mailwire

#endif
