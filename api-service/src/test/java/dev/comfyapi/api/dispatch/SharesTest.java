package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.queue.TenantRow;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Objects;

class SharesTest {

    private final Shares shares = new Shares();

    @Test
    void gpu_seconds_count_less_for_who_has_more_weight() {
        shares.read(List.of(tenant(1, 1), tenant(2, 4)));

        shares.begin(1, 8_000);
        shares.begin(2, 8_000);

        assertThat(vtime(1)).isEqualTo(8);
        assertThat(vtime(2)).isEqualTo(2);
    }

    @Test
    void who_comes_back_starts_where_the_job_being_served_began() {
        shares.read(List.of(tenant(1, 1), tenant(2, 1)));
        shares.activate(List.of(1));
        shares.begin(1, 60_000);
        shares.activate(List.of(1));
        shares.begin(1, 5_000);

        shares.activate(List.of(1, 2));

        assertThat(vtime(2)).isEqualTo(60);
        assertThat(vtime(1)).isEqualTo(65);
    }

    @Test
    void being_away_does_not_lower_what_was_used() {
        shares.read(List.of(tenant(1, 1), tenant(2, 1)));
        shares.activate(List.of(1, 2));
        shares.begin(2, 90_000);
        shares.activate(List.of(1));

        shares.activate(List.of(1, 2));

        assertThat(vtime(2)).isEqualTo(90);
    }

    @Test
    void a_paused_tenant_and_one_that_has_used_its_day_have_no_room() {
        shares.read(
                List.of(
                        new TenantRow(1, 1, 5, null, 0, true, 0),
                        new TenantRow(2, 1, 5, 10_000L, 10_000, false, 0),
                        new TenantRow(3, 1, 5, 10_000L, 9_999, false, 0)));

        var now = shares.now(Map.of(3, 2));

        assertThat(now).extractingByKey(1).extracting(Snapshot.Share::room).isEqualTo(0);
        assertThat(now).extractingByKey(2).extracting(Snapshot.Share::room).isEqualTo(0);
        assertThat(now).extractingByKey(3).extracting(Snapshot.Share::room).isEqualTo(3);
    }

    @Test
    void a_new_leader_goes_on_from_what_was_kept_and_then_knows_better() {
        shares.read(List.of(new TenantRow(1, 1, 5, null, 0, false, 7)));
        shares.begin(1, 1_000);

        shares.read(List.of(new TenantRow(1, 1, 5, null, 0, false, 7)));

        assertThat(vtime(1)).isEqualTo(8);
        assertThat(shares.virtualTimes()).containsExactly(Map.entry(1, 8.0));
    }

    private double vtime(int tenant) {
        return Objects.requireNonNull(shares.now(Map.of()).get(tenant)).vtime();
    }

    private static TenantRow tenant(int id, int weight) {
        return new TenantRow(id, weight, 5, null, 0, false, 0);
    }
}
