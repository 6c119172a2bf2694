// Request bytes and what must come back: one reading of every message (RELIABILITY.md S7).
#include "tests/net/test_server.hpp"
#include "tests/support/raw_socket.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

namespace {

struct reading {
  const char* name;
  std::string bytes;
  unsigned status;
  const char* contains; ///< somewhere in the answers
  bool closes;
};

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
const std::string post = "POST /echo HTTP/1.1\r\nHost: a\r\n";

std::vector<reading> readings() {
  const std::string nul(1, '\0');
  return {
      {"plain", get + "\r\n", 200, "GET / []", false},
      {"decorated", get + "\r\n", 200, "X-Decorated: yes", false},
      {"empty line first", "\r\n" + get + "\r\n", 200, "GET /", false},
      {"query", "GET /a%20b?x=1+2&y=%C3%A9&z HTTP/1.1\r\nHost: a\r\n\r\n", 200,
       "GET /a b x=1 2 y=\xc3\xa9 z=", false},
      {"absolute form", "GET http://a/b?c=d HTTP/1.1\r\nHost: a\r\n\r\n", 200, "GET /b c=d", false},
      {"absolute form without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200, "GET / ",
       false},
      {"options star", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, "OPTIONS /", false},
      {"other method", "PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "PURGE /x", false},
      {"body", post + "Content-Length: 3\r\n\r\nabc", 200, "[abc]", false},
      {"chunked", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
       200, "[abcde]", false},
      {"trailers", post + "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", 200,
       "[a]", false},
      {"asked to close", get + "Connection: close\r\n\r\n", 200, "Connection: close", true},
      {"1.0 closes", "GET / HTTP/1.0\r\n\r\n", 200, "Connection: close", true},
      {"1.0 kept", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200,
       "Connection: keep-alive", false},
      {"handler throws", "GET /throw HTTP/1.1\r\nHost: a\r\n\r\n", 500, "internal_error", false},
      {"handler drops", "GET /drop HTTP/1.1\r\nHost: a\r\n\r\n", 500, "internal_error", false},
      {"refused by head", "POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", 403,
       "no", true},
      {"refused, body there", "POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
       403, "no", false},
      {"length and coding",
       post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "ambiguous_length", true},
      {"coding and length",
       post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400,
       "ambiguous_length", true},
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400,
       "bad_content_length", true},
      {"list of lengths", post + "Content-Length: 3, 3\r\n\r\nabc", 400, "bad_content_length",
       true},
      {"signed length", post + "Content-Length: +3\r\n\r\nabc", 400, "bad_content_length", true},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400, "bad_content_length", true},
      {"empty length", post + "Content-Length:\r\n\r\n", 400, "bad_content_length", true},
      {"huge length", post + "Content-Length: 99999999999999999999999\r\n\r\n", 400,
       "bad_content_length", true},
      {"unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 400, "bad_transfer_encoding",
       true},
      {"coding list", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 400,
       "bad_transfer_encoding", true},
      {"coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       400, "bad_transfer_encoding", true},
      {"coding with tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
       400, "bad_header", true},
      {"chunked 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "ambiguous_length", true},
      {"folded line", get + "A: b\r\n c\r\n\r\n", 400, "bad_header", true},
      {"space before colon", get + "A : b\r\n\r\n", 400, "bad_header", true},
      {"no colon", get + "A\r\n\r\n", 400, "bad_header", true},
      {"empty name", get + ": b\r\n\r\n", 400, "bad_header", true},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf", true},
      {"bare LF in headers", get + "A: b\nC: d\r\n\r\n", 400, "bare_lf", true},
      {"bare CR", get + "A: b\rC: d\r\n\r\n", 400, "bad_header", true},
      {"NUL in value", get + "A: b" + nul + "\r\n\r\n", 400, "bad_header", true},
      {"NUL in target", "GET /" + nul + " HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400, "bad_host", true},
      {"two hosts", get + "Host: b\r\n\r\n", 400, "bad_host", true},
      {"bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"cut escape", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"escaped NUL", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"not UTF-8", "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"bad query escape", "GET /?a=%g1 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"raw bytes in target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"star with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"no version", "GET /\r\nHost: a\r\n\r\n", 400, "bad_request_line", true},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target", true},
      {"bad method", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request_line", true},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "http_version", true},
      {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version", true},
      {"TLS to a plain port", "\x16\x03\x01\x02", 400, "bad_request_line", true},
      {"expectation", post + "Expect: magic\r\nContent-Length: 1\r\n\r\na", 417,
       "expectation_failed", true},
      {"long request line", "GET /" + std::string(9000, 'a'), 431, "request_line_too_long", true},
      {"header bomb", get + "A: " + std::string(70'000, 'b'), 431, "headers_too_large", true},
      {"many headers",
       [] {
         auto s = get;
         for (int i = 0; i < 300; ++i)
           s += "A: b\r\n";
         return s + "\r\n";
       }(),
       431, "too_many_headers", true},
      {"declared too large", post + "Content-Length: 1048577\r\n\r\n", 413, "body_too_large", true},
      {"chunk too large", post + "Transfer-Encoding: chunked\r\n\r\n100001\r\n", 413,
       "body_too_large", true},
      {"chunk size overflow", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400,
       "bad_chunk", true},
      {"chunk without size", post + "Transfer-Encoding: chunked\r\n\r\n\r\n", 400, "bad_chunk",
       true},
      {"chunk size 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400,
       "bad_chunk", true},
      {"chunk bare LF", post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400,
       "bad_chunk", true},
      {"chunk too long", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400,
       "bad_chunk", true},
      {"folded trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n X: y\r\n\r\n", 400,
       "bad_chunk", true},
  };
}

// Sends in pieces of `step` bytes, then reads until the peer closes or falls silent.
void expect_reading(const test_server& server, const reading& row, std::size_t step) {
  SCOPED_TRACE(std::string(row.name) + ", pieces of " + std::to_string(step));
  auto peer = raw_socket::to_port(server.port());
  for (std::size_t at = 0; at < row.bytes.size() && peer.send(row.bytes.substr(at, step));
       at += step)
    ;
  const auto answer = peer.read_answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(row.status) + " ")) << answer;
  EXPECT_NE(answer.find(row.contains), std::string::npos) << answer;
  if (row.closes) {
    EXPECT_EQ(peer.read_all(), "");
    EXPECT_TRUE(peer.ended());
    return;
  }
  peer.send(get + "\r\n"); // the connection still knows where the next request begins
  EXPECT_TRUE(peer.read_answer().ends_with("GET / []"));
}

} // namespace

TEST(HttpReading, AnswersEachMessageOneWay) {
  const test_server server;
  for (const auto& row : readings())
    expect_reading(server, row, row.bytes.size());
}

TEST(HttpReading, DoesNotDependOnHowBytesArrive) {
  const test_server server;
  for (const auto& row : readings())
    if (row.bytes.size() < 1000)
      expect_reading(server, row, 1);
}

TEST(HttpReading, AnswersPipelinedRequestsInOrder) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += "GET /thread?" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\nGET /" +
           std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  std::thread sender([&] { peer.send(all); });
  for (int i = 0; i < 500; ++i) {
    EXPECT_TRUE(peer.read_answer().ends_with("from a thread"));
    EXPECT_TRUE(peer.read_answer().ends_with("GET /" + std::to_string(i) + " []"));
  }
  sender.join();
}

TEST(HttpReading, LetsTheRouteRaiseTheBodyLimit) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  const std::string body(4u << 20, 'y');
  peer.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body);
  EXPECT_TRUE(peer.read_answer().ends_with("[" + body + "]"));
}

TEST(HttpReading, TellsAClientThatStillSendsThatItsBodyIsTooLarge) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(post + "Content-Length: 3000000\r\n\r\n");
  peer.send(std::string(3'000'000, 'z'));
  EXPECT_TRUE(peer.read_answer().starts_with("HTTP/1.1 413 "));
}

TEST(HttpReading, AsksForABodyThatIsExpectedToContinue) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(post + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("abc");
  EXPECT_TRUE(peer.read_answer().ends_with("[abc]"));
}

} // namespace troupe::test
