package dev.comfyapi.api.operator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.model.job.LeaseStage;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Workers, pools, pauses and figures, through HTTP.
class OperatorTest {

    private static final String ADMIN = "/api/v1/admin";
    private static final String MODEL = "checkpoints/" + Api.CHECKPOINT;

    private Api api;

    @BeforeEach
    void start() {
        api = Api.fresh();
    }

    @AfterEach
    void stop() {
        assertThat(api.brokenInvariants()).isEmpty();
        api.close();
    }

    @Test
    void a_job_names_a_pool_that_was_made_or_that_a_live_worker_is_of() {
        api.aWorker("here", MODEL);
        var unknown = api.post("/api/v1/jobs", Api.aPrompt("\"pool\": \"bigg\""));
        var made = api.put(ADMIN + "/pools/big", "{\"description\": \"80 GB\"}");
        var similar = api.post("/api/v1/jobs", Api.aPrompt("\"pool\": \"bigg\""));
        var ofMade = api.post("/api/v1/jobs", Api.aPrompt("\"pool\": \"big\""));
        api.aWorkerOf("night", "owl", Api.aCatalogue(MODEL));
        var ofLive = api.post("/api/v1/jobs", Api.aPrompt("\"pool\": \"night\""));
        var usual = api.post("/api/v1/jobs", Api.aPrompt());

        assertThat(unknown.status()).isEqualTo(422);
        assertThat(unknown.errors()).containsExactly("invalid_value #/pool");
        assertThat(made.status()).as(made.text()).isEqualTo(200);
        assertThat(made.at("/description")).isEqualTo("80 GB");
        assertThat(similar.json().at("/errors/0/params/similar/0").stringValue()).isEqualTo("big");
        assertThat(ofMade.status()).as(ofMade.text()).isEqualTo(202);
        assertThat(ofMade.at("/pool")).isEqualTo("big");
        assertThat(ofMade.at("/queue/detail"))
                .isEqualTo("There is no live worker in the pool big.");
        assertThat(ofLive.at("/pool")).isEqualTo("night");
        assertThat(ofLive.json().at("/queue/feasible").booleanValue()).isTrue();
        assertThat(usual.at("/pool")).isEqualTo("default");
        assertThat(api.storedJobs()).isEqualTo(3);
    }

    @Test
    void a_submit_is_checked_against_the_workers_of_its_pool() {
        api.aWorker("here", MODEL);
        api.aWorkerOf("big", "there", Api.aCatalogue("checkpoints/huge.safetensors"));
        var huge = "{\"prompt\": \"x\", \"model\": \"huge.safetensors\"%s}";

        var wrong = api.post("/api/v1/jobs", huge.formatted(""));
        var right = api.post("/api/v1/jobs", huge.formatted(", \"pool\": \"big\""));
        var first = api.post("/api/v1/jobs", "{\"prompt\": \"x\", \"pool\": \"big\"}");
        var preflight = api.post("/api/v1/jobs/validate", huge.formatted(", \"pool\": \"big\""));

        assertThat(wrong.errors()).containsExactly("model_not_available #/model");
        assertThat(right.status()).as(right.text()).isEqualTo(202);
        assertThat(first.at("/params/model")).isEqualTo("huge.safetensors");
        assertThat(preflight.json().path("workers")).hasSize(1);
        assertThat(preflight.at("/workers/0/worker")).isEqualTo("there");
        assertThat(preflight.at("/capable_workers")).isEqualTo("1");
    }

    @Test
    void pools_are_made_read_listed_and_deleted_when_empty() {
        var bad = api.put(ADMIN + "/pools/-x", "{}");
        var unknownMember = api.put(ADMIN + "/pools/big", "{\"text\": 1}");
        api.put(ADMIN + "/pools/big", "{}");
        api.put(ADMIN + "/pools/big", "{\"description\": \"again\"}");
        api.post("/api/v1/jobs", Api.aPrompt("\"pool\": \"big\""));
        var inUse = api.delete(ADMIN + "/pools/big");
        api.put(ADMIN + "/pools/small", "{}");
        var listed = api.get(ADMIN + "/pools");
        var deleted = api.delete(ADMIN + "/pools/small");

        assertThat(bad.status()).isEqualTo(400);
        assertThat(unknownMember.status()).isEqualTo(422);
        assertThat(api.get(ADMIN + "/pools/big").at("/description")).isEqualTo("again");
        assertThat(inUse.status()).isEqualTo(409);
        assertThat(inUse.at("/code")).isEqualTo("pool_in_use");
        assertThat(listed.at("/total")).isEqualTo("2");
        assertThat(deleted.status()).isEqualTo(204);
        assertThat(api.get(ADMIN + "/pools/small").status()).isEqualTo(404);
        assertThat(api.delete(ADMIN + "/pools/small").status()).isEqualTo(404);
    }

    @Test
    void a_worker_is_shown_with_what_it_has_in_hand() {
        var worker =
                api.aWorker(
                        new WorkerStore.Registration(
                                "gpu-7",
                                "default",
                                Topics.LANE_COUNT,
                                24_000,
                                "0.33.0",
                                Api.aCatalogue(MODEL),
                                new WorkerStore.Traits(
                                        "{\"zone\": \"a\"}", "cuda:0 RTX 4090", true)));
        var job = api.submitted();
        var idle = api.get(ADMIN + "/workers/gpu-7");
        var lease = api.assign(job, worker);
        new WorkerStore(api.jdbc())
                .heartbeat(
                        worker.id(),
                        new WorkerStore.Standing(true, MODEL, null),
                        List.of(
                                new WorkerStore.LeaseReport(
                                        lease, LeaseStage.RUNNING, 0.5, 100, 100)));
        var busy = api.get(ADMIN + "/workers/" + worker.id());

        assertThat(idle.at("/status")).isEqualTo("idle");
        assertThat(busy.at("/status")).isEqualTo("busy");
        assertThat(busy.at("/name")).isEqualTo("gpu-7");
        assertThat(busy.at("/labels/zone")).isEqualTo("a");
        assertThat(busy.at("/gpus/0/vram_total_mb")).isEqualTo("24000");
        assertThat(busy.at("/gpus/0/name")).isEqualTo("cuda:0 RTX 4090");
        assertThat(busy.at("/comfyui_version")).isEqualTo("0.33.0");
        assertThat(busy.at("/loaded_model")).isEqualTo(MODEL);
        assertThat(busy.at("/leases/0/job_id")).isEqualTo(job.toString());
        assertThat(busy.at("/leases/0/state")).isEqualTo("running");
        assertThat(busy.at("/leases/0/progress")).isEqualTo("0.5");
        assertThat(busy.json().path("fault").isNull()).isTrue();
        assertThat(busy.at("/heartbeat_at")).isNotEmpty();
        assertThat(api.get(ADMIN + "/workers").at("/total")).isEqualTo("1");
        assertThat(api.get(ADMIN + "/workers/nobody").status()).isEqualTo(404);
    }

    @Test
    void wishes_are_kept_by_name_and_show_in_the_status() {
        var worker = api.aWorker("w", MODEL);
        var drained = api.post(ADMIN + "/workers/w/drain", "");
        var quarantined = api.post(ADMIN + "/workers/w/quarantine", "");
        api.aWorker("w", MODEL);
        var anew = api.get(ADMIN + "/workers/w");
        var job = api.post("/api/v1/jobs", Api.aPrompt());
        var resumed = api.post(ADMIN + "/workers/w/resume", "");

        assertThat(drained.at("/status")).isEqualTo("draining");
        assertThat(drained.at("/wish")).isEqualTo("drain");
        assertThat(quarantined.at("/status")).isEqualTo("quarantined");
        assertThat(anew.at("/status")).isEqualTo("quarantined");
        assertThat(anew.at("/id")).isNotEqualTo(Long.toString(worker.id()));
        assertThat(job.at("/queue/capable_workers")).isEqualTo("0");
        assertThat(resumed.at("/status")).isEqualTo("idle");
    }

    @Test
    void what_a_worker_cannot_do_is_refused_with_the_reason() {
        var worker = api.aWorker("w", MODEL);
        var noCommand = api.post(ADMIN + "/workers/w/restart", "");
        var freed = api.post(ADMIN + "/workers/w/free-memory", "");
        var live = api.delete(ADMIN + "/workers/w");
        api.leave(worker);
        var offline = api.post(ADMIN + "/workers/w/free-memory", "");
        var gone = api.get(ADMIN + "/workers/w");
        var forgotten = api.delete(ADMIN + "/workers/w");

        assertThat(noCommand.status()).isEqualTo(409);
        assertThat(noCommand.at("/code")).isEqualTo("restart_not_configured");
        assertThat(noCommand.at("/detail")).contains("comfyapi.worker.restart-command");
        assertThat(freed.json().path("pending").toString()).isEqualTo("[\"free_memory\"]");
        assertThat(freed.at("/status")).isEqualTo("draining");
        assertThat(live.status()).isEqualTo(409);
        assertThat(live.at("/code")).isEqualTo("worker_live");
        assertThat(offline.at("/code")).isEqualTo("worker_offline");
        assertThat(gone.at("/status")).isEqualTo("offline");
        assertThat(forgotten.status()).isEqualTo(204);
        assertThat(api.get(ADMIN + "/workers/w").status()).isEqualTo(404);
        api.aWorker("w", MODEL);
        assertThat(api.get(ADMIN + "/workers/w").at("/status")).isEqualTo("idle");
    }

    @Test
    void pauses_show_in_the_queues_and_in_the_jobs() {
        api.aWorker("w", MODEL);
        var job = "/api/v1/jobs/" + api.submitted();
        var before = api.get(ADMIN + "/queues");
        api.post(ADMIN + "/queues/default/pause", "");
        var paused = api.get(ADMIN + "/queues");
        var waits = api.get(job);
        api.post(ADMIN + "/queues/default/resume", "");
        api.post(ADMIN + "/queues/pause", "");
        var all = api.get(ADMIN + "/queues");
        var waitsForAll = api.get(job);
        api.post(ADMIN + "/queues/resume", "");
        api.post(ADMIN + "/tenants/1/pause", "");
        var waitsAsTenant = api.get(job);
        api.post(ADMIN + "/tenants/1/resume", "");

        assertThat(before.at("/queues/0/pool")).isEqualTo("default");
        assertThat(before.at("/queues/0/waiting")).isEqualTo("1");
        assertThat(before.at("/queues/0/paused")).isEqualTo("false");
        assertThat(paused.at("/queues/0/paused")).isEqualTo("true");
        assertThat(paused.at("/paused")).isEqualTo("false");
        assertThat(waits.at("/queue/reason")).isEqualTo("queue_paused");
        assertThat(waits.at("/phase")).isEqualTo("queue_paused");
        assertThat(waits.at("/queue/detail")).contains("the pool default");
        assertThat(waits.json().at("/queue/estimated_start_at").isNull()).isTrue();
        assertThat(all.at("/paused")).isEqualTo("true");
        assertThat(waitsForAll.at("/queue/detail")).contains("paused the service");
        assertThat(waitsAsTenant.at("/queue/detail")).contains("paused your jobs");
        assertThat(api.get(job).at("/queue/reason")).isEqualTo("waiting_capacity");
        assertThat(api.post(ADMIN + "/queues/nowhere/pause", "").status()).isEqualTo(404);
        assertThat(api.post(ADMIN + "/tenants/99/pause", "").status()).isEqualTo(404);
        assertThat(api.post(ADMIN + "/tenants/x/pause", "").status()).isEqualTo(404);
    }

    @Test
    void figures_for_autoscaling_follow_the_backlog() {
        var worker = api.aWorker("w", MODEL);
        api.put(ADMIN + "/pools/big", "{}");
        var none = api.get(ADMIN + "/autoscale?pool=default");
        var first = api.submitted();
        for (int i = 0; i < 29; i++) {
            api.submitted();
        }
        var backlog = api.get(ADMIN + "/autoscale?pool=default");
        api.assign(first, worker);
        var withOneBusy = api.get(ADMIN + "/autoscale");
        api.post(ADMIN + "/queues/pause", "");
        var paused = api.get(ADMIN + "/autoscale?pool=default");
        var metrics = api.get("/metrics").text();

        assertThat(none.at("/pools/0/desired_workers")).isEqualTo("0");
        // Thirty jobs of ten seconds each, to be started within a minute.
        assertThat(backlog.at("/pools/0/backlog_gpu_seconds")).isEqualTo("300.0");
        assertThat(backlog.at("/pools/0/desired_workers")).isEqualTo("5");
        assertThat(backlog.at("/target_wait_s")).isEqualTo("60");
        // The busy one has 50 s left within the minute, so 240 s are for others.
        assertThat(withOneBusy.at("/pools/1/pool")).isEqualTo("default");
        assertThat(withOneBusy.at("/pools/1/desired_workers")).isEqualTo("5");
        assertThat(withOneBusy.at("/pools/1/running")).isEqualTo("1");
        assertThat(withOneBusy.at("/pools/0/desired_workers")).isEqualTo("0");
        assertThat(paused.at("/pools/0/desired_workers")).isEqualTo("1");
        assertThat(metrics)
                .contains("comfyapi_backlog_gpu_seconds{pool=\"default\"} 290.0")
                .contains("comfyapi_oldest_wait_seconds{pool=\"default\"}")
                .contains("comfyapi_desired_workers{pool=\"default\"} 1.0")
                .contains("comfyapi_workers{pool=\"default\",status=\"busy\"} 1.0")
                .contains("comfyapi_workers{pool=\"default\",status=\"quarantined\"} 0.0");
        assertThat(api.get(ADMIN + "/autoscale?pool=nowhere").status()).isEqualTo(404);
    }
}
