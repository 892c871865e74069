// SPDX-License-Identifier: MIT
// Where TOP ends: behind the header, the empty line and the first n lines of the body (RFC 1939, 7).
#ifndef POP3_DETAIL_TOP_CUT_HPP
#define POP3_DETAIL_TOP_CUT_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pop3 {
inline namespace v1 {
namespace detail {

class TopCut {
 public:
  explicit TopCut(std::uint64_t lines = 0) noexcept : lines_(lines) {}

  // How many octets of this piece of the message, the next one, belong to the answer. Lines end at LF.
  std::size_t take(std::string_view piece) noexcept {
    std::size_t taken = 0;
    while (taken < piece.size() && !done_) {
      const std::string_view rest = piece.substr(taken);
      const std::size_t lf = rest.find('\n');
      const std::size_t content = lf == std::string_view::npos ? rest.size() : lf;
      line_is_empty_ = line_is_empty_ && only_a_cr(rest.substr(0, content));
      if (lf == std::string_view::npos) return piece.size();
      taken += lf + 1;
      end_line();
    }
    return taken;
  }
  // No further octet of the message is wanted.
  bool done() const noexcept { return done_; }

 private:
  // An empty line may have the CR of its line end; a second CR is content.
  bool only_a_cr(std::string_view content) noexcept {
    if (content.empty()) return true;
    const bool first = !cr_seen_;
    cr_seen_ = true;
    return first && content == "\r";
  }
  void end_line() noexcept {
    if (in_header_)
      in_header_ = !line_is_empty_;
    else
      --lines_;
    done_ = !in_header_ && lines_ == 0;
    line_is_empty_ = true;
    cr_seen_ = false;
  }

  std::uint64_t lines_;  // of the body, still wanted
  bool in_header_ = true;
  bool line_is_empty_ = true;  // so far
  bool cr_seen_ = false;       // some octet of this line was
  bool done_ = false;
};

}  // namespace detail
}  // namespace v1
}  // namespace pop3

#endif
