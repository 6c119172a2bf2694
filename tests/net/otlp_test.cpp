// Spans as a collector reads them, and the thread that sends them.
#include "net/provider/span_exporter.hpp"
#include "runtime/base/json.hpp"
#include "tests/net/client_fixture.hpp"

namespace troupe::test {

namespace {

trace_span some_span(std::uint64_t id = 0x0102030405060708) {
  trace_span out;
  out.trace_id = "0af7651916cd43dd8448eb211c80319c";
  out.id = id;
  out.parent = 0xb7ad6b7169203331;
  out.name = "step a";
  out.kind = span_kind::client;
  out.start = from_millis(1'700'000'000'123);
  out.end = from_millis(1'700'000'000'456);
  out.attributes = {{"troupe.step_id", std::string("\"a\"\n")}, {"n", std::int64_t{-7}}};
  return out;
}

/// A client that answers by script, once each; the last answer repeats. "hang" never answers.
class scripted_client final : public http::client {
public:
  explicit scripted_client(std::vector<std::string> script) : script_(std::move(script)) {}
  struct seen {
    std::mutex mutex;
    std::vector<http::outgoing_request> calls;
    int aborted = 0;
  };
  std::shared_ptr<seen> log = std::make_shared<seen>();

  std::shared_ptr<http::call> start(http::outgoing_request what, http::call_done done) override {
    std::string say;
    {
      const std::lock_guard lock(log->mutex);
      say = script_[std::min(log->calls.size(), script_.size() - 1)];
      log->calls.push_back(std::move(what));
    }
    if (say == "lost")
      done(failure{failure_kind::upstream, "connection_lost", {}, {}, {}});
    else if (say != "hang")
      done(http::incoming_response{static_cast<unsigned>(std::stoul(say)), {}, "{}", {}});
    return std::make_shared<one_call>(log);
  }
  std::shared_ptr<http::call> start_streaming(http::outgoing_request what,
                                              std::function<void(std::string_view)>,
                                              http::call_done done) override {
    return start(std::move(what), std::move(done));
  }

private:
  struct one_call final : http::call {
    explicit one_call(std::shared_ptr<seen> to) : log(std::move(to)) {}
    void abort() override {
      const std::lock_guard lock(log->mutex);
      ++log->aborted;
    }
    std::shared_ptr<seen> log;
  };
  std::vector<std::string> script_;
};

struct exporting {
  explicit exporting(std::vector<std::string> script, otlp::exporter_options how = {}) {
    auto made = std::make_unique<scripted_client>(std::move(script));
    log = made->log;
    how.url = "http://collector:4318/v1/traces";
    how.version = "1";
    if (how.gather == 1000ms)
      how.gather = 5ms;
    how.pause = 1ms;
    exporter = std::make_unique<otlp::span_exporter>(std::move(made), how);
  }
  std::size_t calls() const {
    const std::lock_guard lock(log->mutex);
    return log->calls.size();
  }
  std::shared_ptr<scripted_client::seen> log;
  std::unique_ptr<otlp::span_exporter> exporter;
};

std::size_t spans_in(const std::string& body) {
  const auto parsed = json::parse(body);
  EXPECT_TRUE(parsed) << body;
  return parsed->at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array().size();
}

} // namespace

TEST(Otlp, WritesWhatCollectorsRead) {
  auto failed = some_span();
  failed.parent = 0;
  failed.failed = true;
  failed.error = "http_status";
  failed.end = failed.start - 5ms;
  const auto text = otlp::encode(std::vector{some_span(), failed}, "9.9");
  const auto head = std::string(R"({"resourceSpans":[{"resource":{"attributes":[)") +
                    R"({"key":"service.name","value":{"stringValue":"troupe"}},)" +
                    R"({"key":"service.version","value":{"stringValue":"9.9"}}]},)" +
                    R"("scopeSpans":[{"scope":{"name":"troupe","version":"9.9"},"spans":[)";
  const std::string ids =
      R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0102030405060708",)";
  const std::string middle =
      R"("name":"step a","kind":3,"startTimeUnixNano":"1700000000123000000",)";
  const std::string attributes =
      R"("attributes":[{"key":"troupe.step_id","value":{"stringValue":"\"a\"\n"}},)"
      R"({"key":"n","value":{"intValue":"-7"}})";
  EXPECT_EQ(text, head + ids + R"("parentSpanId":"b7ad6b7169203331",)" + middle +
                      R"("endTimeUnixNano":"1700000000456000000",)" + attributes +
                      R"(],"status":{}},)" + ids + middle +
                      R"("endTimeUnixNano":"1700000000123000000",)" + attributes +
                      R"(,{"key":"error.type","value":{"stringValue":"http_status"}}],)" +
                      R"("status":{"code":2,"message":"http_status"}}]}]}]})");
}

TEST(Otlp, TakesHttpUrlsOfAHostOnly) {
  for (const auto& [given, url, target] :
       {std::tuple{"http://c:4318", "http://c:4318/v1/traces", "c:4318"},
        {"https://c", "https://c/v1/traces", "c:443"},
        {"http://c/", "http://c/v1/traces", "c:80"},
        {"http://c/otel//", "http://c/otel/v1/traces", "c:80"},
        {"http://10.0.0.1:1/v1/traces", "http://10.0.0.1:1/v1/traces", "10.0.0.1:1"},
        {"http://[::1]:4318", "http://[::1]:4318/v1/traces", "[::1]:4318"},
        {"https://[::1]/x", "https://[::1]/x/v1/traces", "[::1]:443"}}) {
    const auto got = otlp::collector_of(given);
    ASSERT_TRUE(got) << given;
    EXPECT_EQ(got->url, url);
    EXPECT_EQ(got->target, target);
  }
  for (const auto* bad : {"", "c:4318", "ftp://c", "http://", "http:///v1", "http://u:p@c",
                          "http://c?x", "http://c#x", "http://c d", "http://c:0", "http://c:65536",
                          "http://c:x", "http://c:", "file:///etc/passwd", "http://c\n"})
    EXPECT_FALSE(otlp::collector_of(bad)) << bad;
}

TEST(Spans, AreTheSameWheneverTheyAreWorkedOut) {
  const auto run = *run_id_from_text("01890a5d-ac96-774b-bcce-b302099a8057");
  const auto other = *run_id_from_text("01890a5d-ac96-774b-bcce-b302099a8058");
  const std::vector<std::uint64_t> all{request_span(run),
                                       request_span(other),
                                       run_span(run, 1),
                                       run_span(run, 2),
                                       run_span(other, 1),
                                       attempt_span(run, {"a", {}}, 1),
                                       attempt_span(run, {"a", {}}, 2),
                                       attempt_span(run, {"a", {0}}, 1),
                                       attempt_span(run, {"a/0", {}}, 1),
                                       attempt_span(run, {"b", {}}, 1),
                                       attempt_span(other, {"a", {}}, 1)};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(span_from_text(span_text(all[i])), all[i]);
    EXPECT_NE(all[i], 0u);
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_NE(all[i], all[j]) << i << " " << j;
  }
  // Stored nowhere, but a restarted process of a later release goes on with them.
  EXPECT_EQ(span_text(run_span(run, 1)), "c5cee3d730198503");
  EXPECT_EQ(span_text(attempt_span(run, {"a", {3, 0}}, 2)), "f6585cdd45f98a11");
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ(trace_of(run, trace), trace);
  for (const auto& bad : {std::string(), std::string(32, '0'), trace + "0", std::string(32, 'A')})
    EXPECT_EQ(trace_of(run, bad), "01890a5dac96774bbcceb302099a8057");
  EXPECT_EQ(span_from_text("00f067aa0ba902b"), 0u);
  EXPECT_EQ(span_from_text("00f067aa0ba902bX"), 0u);
  EXPECT_EQ(short_text(std::string(255, 'x') + "\xc3\xa4yz"), std::string(255, 'x'));
}

TEST(SpanExporter, SendsBatchesToTheCollector) {
  exporting e({"200"}, {.batch_max = 2});
  for (std::uint64_t i = 1; i <= 5; ++i)
    e.exporter->add(some_span(i));
  EXPECT_TRUE(eventually([&] { return e.exporter->current().sent == 5; }));
  const std::lock_guard lock(e.log->mutex);
  std::size_t all = 0;
  for (const auto& call : e.log->calls) {
    EXPECT_EQ(call.method, "POST");
    EXPECT_EQ(call.url, "http://collector:4318/v1/traces");
    EXPECT_FALSE(call.follow_redirects);
    EXPECT_LE(spans_in(call.body), 2u);
    all += spans_in(call.body);
  }
  EXPECT_EQ(all, 5u);
  EXPECT_EQ(e.exporter->current().dropped, 0u);
}

TEST(SpanExporter, TriesOnceMoreWhatMayHelp) {
  for (const auto& [script, calls, sent] :
       {std::tuple{std::vector<std::string>{"503", "200"}, 2u, true},
        {{"lost", "200"}, 2u, true},
        {{"429"}, 2u, false},
        {{"lost"}, 2u, false},
        {{"400"}, 1u, false},
        {{"302"}, 1u, false},
        {{"500"}, 1u, false}}) {
    exporting e(script);
    e.exporter->add(some_span());
    EXPECT_TRUE(eventually([&] {
      const auto now = e.exporter->current();
      return now.sent + now.dropped == 1;
    }));
    EXPECT_EQ(e.exporter->current().sent, sent ? 1u : 0u) << script[0];
    EXPECT_EQ(e.calls(), calls) << script[0];
  }
}

TEST(SpanExporter, DropsTheOldestOfAFullQueue) {
  exporting e({"hang"}, {.queue_max = 10, .batch_max = 3, .flush = 1ms});
  for (std::uint64_t i = 1; i <= 3; ++i)
    e.exporter->add(some_span(i));
  ASSERT_TRUE(eventually([&] { return e.calls() == 1; })); // and it never comes back
  for (std::uint64_t i = 4; i <= 103; ++i)
    e.exporter->add(some_span(i));
  EXPECT_EQ(e.exporter->current().queued, 10u);
  EXPECT_EQ(e.exporter->current().dropped, 90u);
  e.exporter->stop();
  EXPECT_EQ(e.exporter->current().dropped, 103u);
  EXPECT_EQ(e.log->aborted, 1);
  e.exporter->add(some_span());
  EXPECT_EQ(e.exporter->current().dropped, 104u);
}

TEST(SpanExporter, SendsWhatIsLeftAtTheEnd) {
  exporting e({"200"}, {.batch_max = 2, .gather = 1h});
  for (std::uint64_t i = 1; i <= 5; ++i)
    e.exporter->add(some_span(i));
  e.exporter->stop();
  EXPECT_EQ(e.exporter->current().sent, 5u);
}

TEST(SpanExporter, EndsInTimeWhenTheCollectorHangs) {
  exporting e({"hang"}, {.batch_max = 2, .gather = 1h, .flush = 100ms});
  for (std::uint64_t i = 1; i <= 5; ++i)
    e.exporter->add(some_span(i));
  const auto begun = std::chrono::steady_clock::now();
  e.exporter->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_EQ(e.exporter->current().dropped, 5u);
}

TEST(SpanExporter, GoesThroughTheRealClient) {
  const test_server server;
  otlp::exporter_options how;
  how.url = url_of(server.port(), "/v1/traces");
  how.gather = 1ms;
  otlp::span_exporter exporter(http::start_client(allowing(server.port())), how);
  exporter.add(some_span());
  EXPECT_TRUE(eventually([&] { return exporter.current().sent == 1; }));
}

} // namespace troupe::test
