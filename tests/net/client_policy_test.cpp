// What the client refuses to call or to send (RELIABILITY.md S1).
#include "tests/net/client_fixture.hpp"

#include <cstdlib>
#include <tuple>

namespace troupe::test {

TEST(Client, RefusesEverySpellingOfAPrivateTarget) {
  raw_listener victim; // nobody may ever connect here
  const auto with = http::start_client({});
  const std::string port = ":" + std::to_string(victim.port()) + "/";
  for (const char* host : {"127.0.0.1",
                           "127.1",
                           "127.0.1",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.0.0.1",
                           "0177.0.0.1",
                           "017700000001",
                           "0x7f.1",
                           "127.0.0.01",
                           "0",
                           "0.0.0.0",
                           "127.255.255.254",
                           "localhost",
                           "localhost.",
                           "LOCALHOST",
                           "LocalHost.",
                           "127.0.0.1.",
                           "%31%32%37.0.0.1",
                           "l%6fcalhost",
                           "[::1]",
                           "[::]",
                           "[0:0:0:0:0:0:0:1]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "[::127.0.0.1]",
                           "[::ffff:0:127.0.0.1]",
                           "[64:ff9b::127.0.0.1]",
                           "[64:ff9b::7f00:1]",
                           "[2002:7f00:1::]",
                           "[2001:0:7f00:1::]",
                           "[fe80::1]",
                           "[fe80::1%25lo]",
                           "[fc00::1]",
                           "[fd00:ec2::254]",
                           "[fec0::1]",
                           "[ff02::1]",
                           "[2001:db8::1]",
                           "10.0.0.1",
                           "10.1",
                           "172.16.0.1",
                           "192.168.1.1",
                           "3232235777",
                           "169.254.169.254",
                           "2852039166",
                           "0xa9fea9fe",
                           "0251.0376.0251.0376",
                           "[::ffff:169.254.169.254]",
                           "100.64.0.1",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "192.0.2.1",
                           "240.0.0.1",
                           "user@127.0.0.1",
                           "user:password@127.0.0.1",
                           "@127.0.0.1",
                           "example.com@127.0.0.1",
                           ":@localhost",
                           "127.0.0.1:80@example.com"}) {
    const auto code = code_of(fetch(*with, std::string("http://") + host + port));
    // Whether a name with a trailing dot has an address depends on the machine's resolver.
    const bool dotted = std::string_view(host).ends_with('.') && code == "resolve_failed";
    EXPECT_TRUE(code == "url_refused" || dotted) << host << " gives " << code;
  }
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/_x",
                          "dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "smb://127.0.0.1/a",
                          "telnet://127.0.0.1", "FILE:///etc/passwd", "scp://127.0.0.1/x"})
    EXPECT_EQ(code_of(fetch(*with, url)), "url_refused") << url;
  for (const std::string& url :
       {std::string(), std::string("127.0.0.1"), std::string("//127.0.0.1/"),
        std::string("http://"), std::string("http:///"), std::string("http://a b/"),
        std::string("http://a/\r\nX: y"), std::string("http://[::1/"),
        std::string("http://a:99999/"), std::string("http://a:x/"),
        "http://a/" + std::string(9000, 'a')})
    EXPECT_EQ(code_of(fetch(*with, url)), "url_malformed") << url.substr(0, 40);
  EXPECT_FALSE(victim.accept(0).connected());
}

TEST(Client, RefusesRedirectsToPrivateTargets) {
  raw_listener victim;
  for (const std::string& target :
       {url_of(victim.port()), "http://localhost:" + std::to_string(victim.port()),
        std::string("http://169.254.169.254/latest/meta-data/"), std::string("http://[::1]/"),
        std::string("http://2852039166/"), std::string("file:///etc/passwd"),
        std::string("ftp://127.0.0.1/"), std::string("//10.0.0.1/"),
        std::string("http://user:x@10.0.0.1/")}) {
    scripted_server redirector({redirect_to(target)});
    const auto with = http::start_client(allowing(redirector.port()));
    EXPECT_EQ(code_of(fetch(*with, url_of(redirector.port()))), "url_refused") << target;
  }
  EXPECT_FALSE(victim.accept(0).connected());
}

TEST(Client, AllowsAHostNameOnlyOnItsPort) {
  const test_server server;
  const auto port = std::to_string(server.port());
  http::client_options options;
  options.allow = {"localhost:" + port};
  const auto with = http::start_client(options);
  EXPECT_EQ(code_of(fetch(*with, "http://localhost:" + port)), "status 200");
  EXPECT_EQ(code_of(fetch(*with, "http://LOCALHOST:" + port)), "status 200");
  EXPECT_EQ(code_of(fetch(*with, "http://127.0.0.1:" + port)), "url_refused");
  raw_listener other;
  EXPECT_EQ(code_of(fetch(*with, "http://localhost:" + std::to_string(other.port()))),
            "url_refused");
}

TEST(Client, RefusesRequestsThatWouldSplit) {
  const auto with = http::start_client({});
  for (const auto& [method, name, value] : {std::tuple{"GET\r\nX: y", "A", "b"},
                                            {"", "A", "b"},
                                            {"GE T", "A", "b"},
                                            {"CONNECT", "A", "b"},
                                            {"GET", "A", "b\r\nX: y"},
                                            {"GET", "A", "b\n"},
                                            {"GET", "A\r\nX", "b"},
                                            {"GET", "A:", "b"},
                                            {"GET", "", "b"},
                                            {"GET", "A b", "c"}}) {
    http::outgoing_request what;
    what.method = method;
    what.headers = {{name, value}};
    what.url = "http://example.com/";
    EXPECT_EQ(code_of(fetch(*with, what)), "request_malformed") << method << name << value;
  }
}

TEST(Client, KeepsAuthorizationFromOtherHosts) {
  scripted_server target({answer_with("ok")});
  scripted_server first({redirect_to("http://localhost:" + std::to_string(target.port()) + "/")});
  http::client_options options;
  options.allow = {"127.0.0.1:" + std::to_string(first.port()),
                   "localhost:" + std::to_string(target.port())};
  const auto with = http::start_client(options);
  http::outgoing_request what;
  what.url = url_of(first.port());
  what.headers = {{"Authorization", "Bearer secret"}, {"X-Other", "kept"}};
  EXPECT_EQ(code_of(fetch(*with, what)), "status 200");
  first.join();
  target.join();
  EXPECT_NE(first.heads.at(0).find("Bearer secret"), std::string::npos);
  EXPECT_EQ(target.heads.at(0).find("secret"), std::string::npos);
  EXPECT_NE(target.heads.at(0).find("X-Other: kept"), std::string::npos);
}

TEST(Client, IgnoresProxiesOfTheEnvironment) {
  const test_server server;
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const auto with = http::start_client(allowing(server.port()));
  EXPECT_EQ(code_of(fetch(*with, url_of(server.port()))), "status 200");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

} // namespace troupe::test
