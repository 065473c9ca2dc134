package dev.comfyapi.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.asset.AssetRow;
import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.db.asset.AssetStore.Dooming;
import dev.comfyapi.db.asset.InputStore;
import dev.comfyapi.db.asset.NewAsset;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.model.asset.ContentReference;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

class AssetStoreTest {

    private static final int OTHER_TENANT = 2;
    private static final Duration HOUR = Duration.ofHours(1);
    private static Database database = new Database();

    private final AssetStore assets = new AssetStore(database.jdbc);
    private final InputStore inputs = new InputStore(database.jdbc);

    @BeforeAll
    static void twoTenants() {
        database.execute("INSERT INTO tenant (id, name) VALUES (2, 'other')");
    }

    private static String hash() {
        return (UUID.randomUUID() + "" + UUID.randomUUID()).replace("-", "");
    }

    private static NewAsset anAsset(String hash, @Nullable Duration lifetime) {
        var id = Database.newId().value();
        return new NewAsset(
                id,
                "input",
                "fox.png",
                "image/png",
                "1/%s/0/0.png".formatted(id),
                hash,
                64,
                32,
                List.of("shop", "two, words"),
                lifetime);
    }

    private AssetRow aReadyAsset(@Nullable Duration lifetime) {
        var asset = anAsset(hash(), lifetime);
        assets.announce(Database.TENANT, asset);
        return assets.ready(Database.TENANT, asset.id(), 123, hash()).orElseThrow();
    }

    private JobId aWaitingJobThatNames(String reference) {
        var job = database.aJob();
        var graph =
                Graph.parse(
                        """
                        {"1": {"class_type": "LoadImage", "inputs": {"image": "x"}}}
                        """
                                .getBytes(StandardCharsets.UTF_8));
        var naming =
                new NewJob(
                        job.id(),
                        job.classId(),
                        job.priority(),
                        graph.withTexts(Map.of("x", reference)),
                        null,
                        "{}",
                        List.of(),
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        3,
                        60_000,
                        false,
                        null);
        database.jobs.submit(Database.TENANT, List.of(naming));
        return job.id();
    }

    @Test
    void an_asset_is_seen_when_its_file_is_stored_and_by_its_tenant_only() {
        var asset = anAsset(hash(), null);
        assets.announce(Database.TENANT, asset);
        assertThat(assets.find(Database.TENANT, asset.id())).isEmpty();
        assertThat(inputs.key(Database.TENANT, ContentReference.asset(asset.id()))).isEmpty();

        var ready = assets.ready(Database.TENANT, asset.id(), 123, hash()).orElseThrow();

        assertThat(assets.find(Database.TENANT, asset.id())).contains(ready);
        assertThat(ready.tags()).containsExactly("shop", "two, words");
        assertThat(ready.expiresAt()).isNull();
        assertThat(inputs.key(Database.TENANT, ContentReference.asset(asset.id())))
                .contains(asset.key());
        assertThat(assets.find(OTHER_TENANT, asset.id())).isEmpty();
        assertThat(inputs.key(OTHER_TENANT, ContentReference.asset(asset.id()))).isEmpty();
        assertThat(assets.doom(OTHER_TENANT, asset.id())).isEqualTo(Dooming.ABSENT);
        assertThat(assets.reuse(OTHER_TENANT, "input", asset.sourceSha256(), null)).isEmpty();
        assertThat(assets.list(OTHER_TENANT, null, 100)).isEmpty();
    }

    @Test
    void the_same_bytes_are_kept_once_and_for_the_longer_of_two_wishes() {
        var first = aReadyAsset(HOUR);
        var again = anAsset(first.sourceSha256(), null);
        assets.announce(Database.TENANT, again);

        var late = assets.ready(Database.TENANT, again.id(), 123, hash());
        var longer =
                assets.reuse(Database.TENANT, "input", first.sourceSha256(), Duration.ofHours(2));
        var shorter = assets.reuse(Database.TENANT, "input", first.sourceSha256(), HOUR);
        var forever = assets.reuse(Database.TENANT, "input", first.sourceSha256(), null);
        var forMore = assets.reuse(Database.TENANT, "mask", first.sourceSha256(), null);

        assertThat(late).isEmpty();
        assertThat(longer.orElseThrow().id()).isEqualTo(first.id());
        assertThat(longer.orElseThrow().expiresAt()).isAfter(first.expiresAt());
        assertThat(shorter.orElseThrow().expiresAt()).isEqualTo(longer.orElseThrow().expiresAt());
        assertThat(forever.orElseThrow().expiresAt()).isNull();
        assertThat(forMore).isEmpty();
    }

    @Test
    void an_asset_that_a_live_job_names_cannot_be_deleted() {
        var asset = aReadyAsset(null);
        var bystander = aReadyAsset(null);
        var job = aWaitingJobThatNames("asset://" + asset.id());

        assertThat(assets.doom(Database.TENANT, asset.id())).isEqualTo(Dooming.IN_USE);
        assertThat(assets.doom(Database.TENANT, bystander.id())).isEqualTo(Dooming.DOOMED);
        assertThat(assets.doom(Database.TENANT, bystander.id())).isEqualTo(Dooming.ABSENT);

        database.jobs.cancel(Database.TENANT, job);
        assertThat(assets.doom(Database.TENANT, asset.id())).isEqualTo(Dooming.DOOMED);
        assertThat(assets.find(Database.TENANT, asset.id())).isEmpty();
        assertThat(assets.unsettled(HOUR, 100))
                .contains(new AssetStore.Leftover(asset.id(), asset.key()));
        assets.forget(asset.id());
        assertThat(assets.unsettled(HOUR, 100))
                .doesNotContain(new AssetStore.Leftover(asset.id(), asset.key()));
    }

    @Test
    void an_expired_asset_waits_for_the_job_that_was_accepted_with_it() {
        var asset = aReadyAsset(HOUR);
        var job = aWaitingJobThatNames("asset://" + asset.id());
        var reference = ContentReference.asset(asset.id());
        database.execute(
                "UPDATE asset SET expires_at = now() - interval '1 s' WHERE id = '%s'"
                        .formatted(asset.id()));

        assertThat(assets.find(Database.TENANT, asset.id())).isEmpty();
        assertThat(assets.doomExpired(100)).isZero();
        assertThat(inputs.key(Database.TENANT, reference)).contains(asset.key());

        database.jobs.cancel(Database.TENANT, job);
        assertThat(assets.doomExpired(100)).isEqualTo(1);
        assertThat(inputs.key(Database.TENANT, reference)).isEmpty();
    }

    @Test
    void what_was_announced_and_never_stored_is_given_up() {
        var asset = anAsset(hash(), null);
        assets.announce(Database.TENANT, asset);
        var leftover = new AssetStore.Leftover(asset.id(), asset.key());

        assertThat(assets.unsettled(HOUR, 100)).doesNotContain(leftover);
        assertThat(assets.unsettled(Duration.ofMillis(-1), 100)).contains(leftover);
        assertThat(assets.ready(Database.TENANT, asset.id(), 1, hash())).isEmpty();
    }

    @Test
    void assets_are_listed_newest_first() {
        var one = aReadyAsset(null);
        var two = aReadyAsset(null);
        var three = aReadyAsset(null);

        var first = assets.list(Database.TENANT, null, 2);
        var second = assets.list(Database.TENANT, first.getLast().id(), 1);

        assertThat(first).extracting(AssetRow::id).containsExactly(three.id(), two.id());
        assertThat(second).extracting(AssetRow::id).containsExactly(one.id());
    }

    @Test
    void an_output_of_a_job_that_succeeded_is_found_by_its_index() {
        var lease = database.aRunningJob();
        var reference = ContentReference.artifact(lease.job().value(), 1);
        assertThat(inputs.key(Database.TENANT, reference)).isEmpty();

        database.leases.complete(
                lease,
                new dev.comfyapi.db.lease.LeaseStore.Result(
                        20,
                        15,
                        5,
                        "{\"artifacts\": [{\"index\": 0, \"key\": \"a\"}, {\"index\": 1, \"key\": \"b\"}]}"));

        assertThat(inputs.key(Database.TENANT, reference)).contains("b");
        assertThat(inputs.key(OTHER_TENANT, reference)).isEmpty();
        assertThat(inputs.key(Database.TENANT, ContentReference.artifact(lease.job().value(), 2)))
                .isEmpty();
    }
}
