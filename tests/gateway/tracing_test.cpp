// Which requests are traced, under which ids.
#include "tests/gateway/fixture.hpp"

namespace troupe::test {

namespace {

struct kept_spans final : span_sink {
  void add(trace_span what) override { all.push_back(std::move(what)); }
  std::vector<trace_span> all;
};

struct Traced : Gateway {
  kept_spans spans;
  void SetUp() override {
    gateway_settings settings;
    settings.spans = &spans;
    open(std::move(settings));
  }
};

const std::string trace = "0af7651916cd43dd8448eb211c80319c";

std::string attribute_of(const trace_span& span, std::string_view key) {
  for (const auto& [name, value] : span.attributes)
    if (name == key)
      return std::holds_alternative<std::string>(value)
                 ? std::get<std::string>(value)
                 : std::to_string(std::get<std::int64_t>(value));
  return "none";
}

} // namespace

TEST_F(Traced, AStartIsTheParentOfItsRun) {
  const auto id = new_workflow();
  EXPECT_TRUE(spans.all.empty()) << "storing a workflow starts nothing";
  client.headers = {{"traceparent", "00-" + trace + "-b7ad6b7169203331-00"}};
  const auto out = client("POST", "/api/v1/workflows/" + id + "/execute", R"({"input_data":{}})");
  ASSERT_EQ(out.status, 202u);
  ASSERT_EQ(spans.all.size(), 1u);
  const auto& span = spans.all[0];
  const auto run = *run_id_from_text(text_of(out, "execution_id"));
  EXPECT_EQ(span.trace_id, trace);
  EXPECT_EQ(span.id, request_span(run));
  EXPECT_EQ(span.parent, span_from_text("b7ad6b7169203331"));
  EXPECT_EQ(span.kind, span_kind::server);
  EXPECT_EQ(span.name, "POST /api/v1/workflows/{id}/execute");
  EXPECT_LE(span.start, span.end);
  EXPECT_FALSE(span.failed);
  EXPECT_EQ(attribute_of(span, "http.response.status_code"), "202");
  EXPECT_EQ(attribute_of(span, "troupe.execution_id"), to_text(run));
  EXPECT_EQ(header_of(out, "traceparent"), "00-" + trace + "-" + span_text(span.id) + "-00");
}

TEST_F(Traced, ChangesAreTracedReadsAreNot) {
  const auto run = to_text(engine.add_run(false));
  const auto path = "/api/v1/executions/" + run;
  client("GET", path);
  EXPECT_TRUE(spans.all.empty());
  for (const auto* verb : {"/pause", "/resume", "/signals/x", "/cancel"})
    client("POST", path + verb);
  ASSERT_EQ(spans.all.size(), 4u);
  for (const auto& span : spans.all) {
    EXPECT_EQ(attribute_of(span, "troupe.execution_id"), run);
    EXPECT_EQ(span.parent, 0u);
    EXPECT_NE(span.id, 0u);
  }
  EXPECT_NE(spans.all[0].id, spans.all[1].id);
  engine.refuse_commands = failure{failure_kind::unavailable, "shutting_down", "m", {}, {}};
  const auto out = client("POST", path + "/cancel");
  EXPECT_EQ(out.status, 503u);
  EXPECT_TRUE(spans.all.back().failed);
  EXPECT_EQ(spans.all.back().error, "503");
}

TEST_F(Traced, ARefusedStartHasASpanWithoutARun) {
  const auto out = client("POST", "/api/v1/workflows/none/execute", R"({"input_data":{}})");
  EXPECT_EQ(out.status, 404u);
  ASSERT_EQ(spans.all.size(), 1u);
  EXPECT_EQ(attribute_of(spans.all[0], "troupe.execution_id"), "none");
  EXPECT_FALSE(spans.all[0].failed) << "the caller's fault";
}

} // namespace troupe::test
