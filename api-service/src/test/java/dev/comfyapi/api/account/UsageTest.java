package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.util.regex.Pattern;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UsageTest {

    private final Accounts accounts =
            new Accounts(
                    "--comfyapi.prices.gpu-second-micros=1000",
                    "--comfyapi.prices.image-micros=50");
    private final Api api = accounts.api;

    @AfterAll
    void close() {
        accounts.close();
    }

    /// The simulated worker says 1,234 ms of GPU time and one picture.
    private JobId aFinishedJob(String key, String members) {
        var job = api.post("/api/v1/jobs", Api.aPrompt(members), bearer(key)).job();
        api.succeed(
                api.assign(job, api.aWorker("w-" + job, "checkpoints/" + Api.CHECKPOINT)),
                new byte[] {1});
        return job;
    }

    @Test
    void usage_is_told_apart_by_key_model_status_and_tag() {
        var tenant = accounts.tenant();
        var second = accounts.made(tenant.owner(), "\"role\": \"developer\"");
        aFinishedJob(tenant.owner(), "\"tags\": [\"a\", \"b\"]");
        aFinishedJob(tenant.owner(), "\"tags\": [\"=1+1\"]");
        api.post("/api/v1/jobs", Api.aPrompt(), bearer(second.at("/api_key")));
        aFinishedJob(accounts.tenant().owner(), "\"tags\": [\"theirs\"]");

        var all = api.get("/api/v1/usage", bearer(tenant.owner()));
        var byKey = api.get("/api/v1/usage?group_by=api_key", bearer(tenant.owner()));
        var byStatus = api.get("/api/v1/usage?group_by=status&bucket=hour", bearer(tenant.owner()));
        var byModel = api.get("/api/v1/usage?group_by=model&bucket=month", bearer(tenant.owner()));
        var byTag = api.get("/api/v1/usage?group_by=tag", bearer(tenant.owner()));
        var csv = api.get("/api/v1/usage/export?group_by=tag", bearer(tenant.owner()));

        assertThat(all.at("/buckets/0/jobs")).isEqualTo("3");
        assertThat(all.at("/buckets/0/succeeded")).isEqualTo("2");
        assertThat(all.at("/buckets/0/images")).isEqualTo("2");
        assertThat(all.at("/buckets/0/gpu_ms")).isEqualTo("2468");
        assertThat(all.at("/buckets/0/cost_micros")).isEqualTo("2568");
        assertThat(all.at("/buckets/0/execution_ms/p50")).isEqualTo("1234");
        assertThat(all.json().at("/buckets/0/queue_ms/p99").isNumber()).isTrue();
        assertThat(byKey.json().path("buckets")).hasSize(2);
        assertThat(byKey.text()).contains(second.at("/api_key_id"));
        assertThat(byStatus.text()).contains("\"group\":\"live\"", "\"group\":\"succeeded\"");
        assertThat(byModel.at("/buckets/0/group")).isEqualTo("checkpoints/" + Api.CHECKPOINT);
        assertThat(byTag.text())
                .contains("\"group\":\"a\"", "\"group\":\"b\"")
                .doesNotContain("theirs");
        assertThat(csv.header("Content-Type")).startsWith("text/csv");
        assertThat(csv.text())
                .startsWith("start,group,jobs")
                .contains(",\"a\",1,1,0,1,1234,1284,", "\"'=1+1\"")
                .doesNotContain(",\"=1+1\"");
    }

    @Test
    void an_estimate_says_what_a_job_will_cost() {
        var tenant = accounts.tenant();
        aFinishedJob(tenant.owner(), "\"tags\": []");

        var estimate = api.post("/api/v1/jobs/validate", Api.aPrompt(), bearer(tenant.owner()));
        var prices = api.get("/api/v1/prices", bearer(tenant.owner()));

        assertThat(estimate.at("/estimate/execution_ms")).isEqualTo("1234");
        assertThat(estimate.at("/estimate/cost_micros")).isEqualTo("1284");
        assertThat(prices.at("/gpu_second_micros")).isEqualTo("1000");
    }

    @Test
    void the_page_and_all_that_it_needs_are_open_and_have_no_figures() {
        var page = api.get("/usage");
        var needed =
                Pattern.compile("(?:src|href)=\"([^\"]+)\"")
                        .matcher(page.text())
                        .results()
                        .map(match -> match.group(1))
                        .toList();

        assertThat(page.header("Content-Type")).startsWith("text/html");
        assertThat(page.header("Content-Security-Policy")).contains("script-src 'self';");
        assertThat(page.text()).doesNotContain("<script>", "style=");
        assertThat(needed)
                .hasSize(4)
                .allSatisfy(path -> assertThat(api.get(path).status()).as(path).isEqualTo(200));
    }

    @Test
    void parameters_that_make_no_sense_are_refused() {
        var owner = accounts.tenant().owner();
        for (var query :
                new String[] {
                    "bucket=week",
                    "group_by=prompt",
                    "from=yesterday",
                    "to=x",
                    "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                    "from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
                }) {
            var answer = api.get("/api/v1/usage?" + query, bearer(owner));
            assertThat(answer.status()).as(query).isEqualTo(400);
            assertThat(answer.at("/code")).as(query).isEqualTo("bad_parameter");
        }
    }
}
