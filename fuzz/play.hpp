// SPDX-License-Identifier: MIT
// What the fuzz targets share: an input in two parts, sessions played from it, and what must be true of what comes out.
//
//   octets of the client [ 0xFF decisions ]
//
// The last 0xFF parts them, so that a plain dialogue is a valid input, and a change in one part does not shift the
// other. Without decisions everything goes its usual way.
#ifndef FUZZ_PLAY_HPP
#define FUZZ_PLAY_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dialogue.hpp"

namespace fuzz {

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "FOUND: %s\n", why.c_str());
  std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t mark = all.rfind('\xFF');
    octets = all.substr(0, mark);
    if (mark != std::string_view::npos) decisions_ = all.substr(mark + 1);
  }

  std::string_view octets;

  // The next decision, below `choices`; 0, the usual, when there is none left.
  unsigned decide(unsigned choices) {
    if (decisions_.empty()) return 0;
    const auto value = static_cast<unsigned char>(decisions_.front());
    decisions_.remove_prefix(1);
    return value % choices;
  }
  // Octets that the application says: whatever is left of the decisions.
  std::string_view text() const { return decisions_; }

 private:
  std::string_view decisions_;
};

inline constexpr std::string_view challenge = "<1896.697170952@dbc.mtview.ca.us>";

// A maildrop with everything that is hard: dots, line ends of all kinds, nothing, and much.
inline const std::vector<tests::Message>& messages() {
  static const std::vector<tests::Message> all = [] {
    std::string lf = "Subject: lf\n\n", crlf = "Subject: crlf\r\n\r\n";
    for (int i = 0; i < 600; ++i) {
      lf += i % 7 == 0 ? ".a line\n" : "a line of text\n";
      crlf += i == 580 ? ".\r\n" : "a line of text that is clean\r\n";
    }
    return std::vector<tests::Message>{{"uid-1", "Subject: hi\r\n\r\n.dot line\r\nbye\r\n"},
                                       {"uid-2", ".\n..\n.\r\n\r.\n\n.a"},
                                       {"uid-3", ""},
                                       {"uid-4", std::string("\0\r\r\n\xE9", 5)},
                                       {"uid-5", lf},
                                       {"uid-6", crlf}};
  }();
  return all;
}

inline tests::Dialogue scene(unsigned kind) {
  tests::Dialogue scene;
  scene.config.login_needs_tls = false;
  scene.config.limits.failed_login_delay = std::chrono::seconds(kind & 1 ? 2 : 0);
  scene.config.limits.answer = std::chrono::seconds(kind & 2 ? 60 : 0);
  scene.config.body_lines = kind & 4 ? pop3::BodyLines::verbatim : pop3::BodyLines::repair;
  scene.config.limits.output_high = kind & 8 ? 20 : 4096;
  scene.config.limits.input_buffer = kind & 16 ? 1 : 1024;
  scene.config.limits.command_line = kind & 32 ? 255 : 512;
  scene.config.limits.endless_line = kind & 64 ? 600 : 65'536;
  scene.config.limits.bad_commands = kind & 128 ? 0 : 20;
  scene.apop_challenge = kind & 2 ? std::string(challenge) : "";
  scene.password = "pw";
  scene.messages = messages();
  return scene;
}

inline pop3::Connection connection(const tests::Dialogue& scene) {
  pop3::Connection c;
  c.id = 77;
  c.apop_challenge = scene.apop_challenge;
  return c;
}

// ---- legal replies only ---------------------------------------------------------------------------------------------

inline bool is_status(std::string_view line) {
  const bool ok = line.substr(0, 3) == "+OK", error = line.substr(0, 4) == "-ERR";
  if (!ok && !error) return false;
  const std::string_view rest = line.substr(ok ? 3 : 4);
  if (line.size() > 510 || (!rest.empty() && rest[0] != ' ')) return false;
  for (const char c : rest)
    if (c < ' ' || c > '~') return false;
  if (rest.substr(0, 2) != " [") return true;
  for (const char* code : {" [AUTH]", " [IN-USE]", " [LOGIN-DELAY]", " [SYS/TEMP]", " [SYS/PERM]"})
    if (error && rest.substr(0, std::string_view(code).size()) == code) return true;
  return false;
}

// Whether +OK to this line of the client begins a multi-line answer. Written from RFC 1939, not from the parser.
inline bool asks_for_many_lines(std::string line) {
  for (char& c : line) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return line == "LIST" || line == "UIDL" || line == "CAPA" || line.substr(0, 5) == "RETR " ||
         line.substr(0, 4) == "TOP ";
}

struct Replies {
  std::size_t count = 0;  // complete ones, the greeting too
  bool cut = false;       // the last one is not complete
};

// Reads all that the server said to these octets of the client.
inline Replies read_replies(std::string_view client, std::string_view server) {
  Replies replies;
  bool many = false, first = true;
  while (!server.empty()) {
    const std::size_t end = server.find("\r\n");
    if (end == std::string_view::npos) return replies.cut = true, replies;
    const std::string_view line = server.substr(0, end);
    if (!is_status(line)) fail("not a status line: " + tests::visible(line));
    server.remove_prefix(end + 2);
    if (!first) {
      const std::size_t lf = client.find("\r\n");
      many = lf != std::string_view::npos && asks_for_many_lines(std::string(client.substr(0, lf)));
      client.remove_prefix(lf == std::string_view::npos ? client.size() : lf + 2);
    }
    if (many && line[0] == '+') {
      const std::size_t dot = server.substr(0, 3) == ".\r\n" ? 0 : server.find("\r\n.\r\n");
      if (dot == std::string_view::npos) return replies.cut = true, replies;
      server.remove_prefix(dot == 0 && server[0] == '.' ? 3 : dot + 5);
    }
    first = false;
    ++replies.count;
  }
  return replies;
}

}  // namespace fuzz

#endif
