// The client against real sockets: what it sends, what it limits, how it names failures.
#include "tests/net/client_fixture.hpp"
#include "tests/support/self_signed.hpp"

namespace troupe::test {

TEST(Client, SendsExactlyWhatItIsTold) {
  const test_server server;
  const auto with = http::start_client(allowing(server.port()));
  for (const char* verb : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    http::outgoing_request what;
    what.method = verb;
    what.url = url_of(server.port(), "/a?b=c");
    what.body = "text";
    const auto answer = fetch(*with, what);
    ASSERT_TRUE(answer) << verb;
    EXPECT_EQ(answer->body, std::string(verb) + " /a b=c [text]");
    EXPECT_EQ(answer->url, what.url);
  }
  http::outgoing_request head;
  head.method = "HEAD";
  head.url = url_of(server.port(), "/json");
  const auto answer = fetch(*with, head);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(server.running->counters().connections_accepted, 1u); // reused
}

TEST(Client, BoundsAnswersAfterDecompression) {
  const auto bomb = gzip_of(64u << 20);
  for (const auto& [bytes, expected] :
       {std::pair{answer_with(std::string(1001, 'a')), "response_too_large"},
        {answer_with(std::string(1000, 'a')), "status 200"},
        {answer_with(bomb, "Content-Encoding: gzip\r\n"), "response_too_large"},
        {answer_with(gzip_of(1000), "Content-Encoding: gzip\r\n"), "status 200"},
        {"HTTP/1.1 200 OK\r\nA: " + std::string(90'000, 'a') + "\r\nB: " +
             std::string(90'000, 'a') + "\r\nC: " + std::string(90'000, 'a') + "\r\n\r\n",
         "response_too_large"}}) {
    scripted_server server({bytes});
    const auto with = http::start_client(allowing(server.port()));
    http::outgoing_request what;
    what.url = url_of(server.port());
    what.response_bytes_max = 1000;
    EXPECT_EQ(code_of(fetch(*with, what)), expected);
  }
}

TEST(Client, NamesEachFailure) {
  const std::string loop = redirect_to("/again");
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
      {{""}, "connection_lost"},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"}, "connection_lost"},
      {{"HTTP/1.1 200 OK\r\nContent-Le"}, "connection_lost"},
      {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}, "connection_lost"},
      {{"SSH-2.0-OpenSSH_9\r\n"}, "connection_lost"},
      {{std::string("\0\1\2garbage", 10)}, "connection_lost"},
      {{answer_with("not gzip", "Content-Encoding: gzip\r\n")}, "connection_lost"},
      {std::vector<std::string>(12, loop), "too_many_redirects"},
      {{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}, "status 404"},
  };
  for (const auto& [answers, expected] : rows) {
    const bool many = answers.size() > 1;
    auto sized = answers;
    if (many)
      sized.resize(11); // the first and ten redirects
    scripted_server server(sized);
    const auto with = http::start_client(allowing(server.port()));
    EXPECT_EQ(code_of(fetch(*with, url_of(server.port()))), expected) << answers[0];
  }
  std::uint16_t closed = 0;
  {
    const raw_listener gone;
    closed = gone.port();
  }
  const auto with = http::start_client(allowing(closed));
  EXPECT_EQ(code_of(fetch(*with, url_of(closed))), "connect_failed");
  EXPECT_EQ(code_of(fetch(*with, "http://does-not-exist.invalid/")), "resolve_failed");
}

TEST(Client, TimesOutAndAbortsByClosingTheConnection) {
  test_server server;
  const auto with = http::start_client(allowing(server.port()));
  http::outgoing_request what;
  what.url = url_of(server.port(), "/never");
  what.timeout = 100ms;
  EXPECT_EQ(code_of(fetch(*with, what)), "timeout");
  EXPECT_TRUE(eventually([&] { return server.aborts == 1; }));
  what.timeout = 30s;
  std::promise<std::string> code;
  const auto under_way = with->start(what, [&](auto outcome) { code.set_value(code_of(outcome)); });
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(server.mutex);
    return server.waiting.size() == 2;
  }));
  under_way->abort();
  under_way->abort();
  EXPECT_EQ(code.get_future().get(), "aborted");
  EXPECT_TRUE(eventually([&] { return server.aborts == 2; }));
}

TEST(Client, AbortsWhatIsUnderWayWhenItEnds) {
  test_server server;
  auto with = http::start_client(allowing(server.port()));
  std::atomic<int> aborted = 0;
  std::vector<std::shared_ptr<http::call>> calls;
  for (int i = 0; i < 20; ++i) {
    http::outgoing_request what;
    what.url = url_of(server.port(), "/never");
    calls.push_back(
        with->start(what, [&](auto outcome) { aborted += code_of(outcome) == "aborted"; }));
  }
  with.reset();
  EXPECT_EQ(aborted, 20);
  calls[0]->abort(); // harmless
}

TEST(Client, StreamsBytesAsTheyCome) {
  test_server server;
  const auto with = http::start_client(allowing(server.port()));
  std::mutex mutex;
  std::string seen;
  std::promise<std::string> code;
  http::outgoing_request what;
  what.url = url_of(server.port(), "/stream");
  with->start_streaming(
      what,
      [&](std::string_view bytes) {
        const std::lock_guard lock(mutex);
        seen += bytes;
      },
      [&](auto outcome) { code.set_value(code_of(outcome) + (outcome ? outcome->body : "")); });
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.mutex);
    return server.streams.size() == 1;
  }));
  for (const std::string part : {"one", "onetwo"}) {
    server.stream()->write(part.substr(part.size() - 3));
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex);
      return seen == part;
    }));
  }
  server.stream()->close();
  EXPECT_EQ(code.get_future().get(), "status 200");
}

TEST(Client, NeverSendsAPostTwice) {
  raw_listener listener;
  const auto with = http::start_client(allowing(listener.port()));
  std::atomic<int> posts = 0;
  std::thread server([&] {
    auto kept = listener.accept();
    kept.read_until("\r\n\r\n");
    kept.send(answer_with("first"));
    if (!kept.read_until("\r\n\r\n").empty())
      ++posts; // executed, and then the connection ends without an answer
    kept.reset();
    auto again = listener.accept(300);
    if (again.connected() && !again.read_some(300).empty())
      ++posts;
  });
  EXPECT_EQ(code_of(fetch(*with, url_of(listener.port()))), "status 200");
  http::outgoing_request what;
  what.method = "POST";
  what.url = url_of(listener.port());
  EXPECT_EQ(code_of(fetch(*with, what)), "connection_lost");
  server.join();
  EXPECT_EQ(posts, 1);
}

TEST(Client, SpeaksTlsAndDistrustsStrangers) {
  const self_signed pair;
  http::server_options options;
  options.tls = {pair.certificate, pair.private_key};
  test_server server(options);
  const auto with = http::start_client(allowing(server.port()));
  http::outgoing_request what;
  what.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/large";
  EXPECT_EQ(code_of(fetch(*with, what)), "tls_failed");
  what.verify_tls = false;
  const auto large = fetch(*with, what);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->body.size(), 8u << 20);
  what.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/upload";
  what.method = "POST";
  what.body = std::string(3u << 20, 'b');
  const auto echoed = fetch(*with, what);
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->body, "POST /upload [" + what.body + "]");
  auto plain = raw_socket::to_port(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(plain.read_all().find("HTTP/1.1"), std::string::npos);
}

} // namespace troupe::test
