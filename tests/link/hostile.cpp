// SPDX-License-Identifier: MIT
// Names that other libraries' headers (X11, Windows, curses, Perl, Objective-C, Qt ...) define as macros. The standard
// headers come first: only our own names are put to the test.
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Windows
#define min(a, b) hostile
#define max(a, b) hostile
#define ERROR hostile
#define NO_ERROR hostile
#define small hostile
#define interface hostile
#define near hostile
#define far hostile
#define IN hostile
#define OUT hostile
#define OPTIONAL hostile
#define DELETE hostile
#define CONST hostile
#define VOID hostile
#define BOOL hostile
#define TRUE hostile
#define FALSE hostile
#define STRICT hostile
#define GetMessage hostile
#define SendMessage hostile
#define GetObject hostile
#define Yield hostile
// X11
#define Success hostile
#define None hostile
#define Status hostile
#define Bool hostile
#define True hostile
#define False hostile
#define Always hostile
#define Never hostile
#define Unsorted hostile
#define Complex hostile
// others
#define check hostile
#define check_error hostile
#define verify hostile
#define require hostile
#define assert_ hostile
#define ASSERT hostile
#define CHECK hostile
#define DEBUG hostile
#define INFO hostile
#define LOG hostile
#define EOL hostile
#define major(x) hostile
#define minor(x) hostile
#define unix hostile
#define linux hostile
#define likely(x) hostile
#define unlikely(x) hostile
#define signals hostile
#define slots hostile
#define emit hostile
#define foreach hostile
#define nil hostile
#define YES hostile
#define NO hostile
#define T hostile
#define N hostile
#define _T hostile
#define CR hostile
#define LF hostile
#define CRLF hostile
#define SP hostile
#define USER hostile
#define PASS hostile
#define STAT hostile
#define QUIT hostile
#define OK hostile

#include <mailwire/proxy_header.hpp>
#include <mailwire/scram.hpp>
#include <pop3/digest.hpp>

#include "session.hpp"

int main() {
  mailwire::ScramServer scram(mailwire::ScramHash::sha_256, false, false);
  const bool crypto = scram.first("n,,n=user,r=x") == mailwire::ScramServer::Result::ok &&
                      !pop3::apop_matches("<1@x>", "secret", "0123456789abcdef0123456789abcdef");
  return greets_and_quits() && crypto ? 0 : 1;
}
