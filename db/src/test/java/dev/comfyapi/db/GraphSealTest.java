package dev.comfyapi.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.LaneMessage;

import org.junit.jupiter.api.Test;

class GraphSealTest {

    private static final String GRAPH =
            "{\"1\": {\"inputs\": {\"text\": \"a fox, ein Fuchs, 狐\"}}}";

    private final Database db = new Database();
    private final LeaseKey lease = new LeaseKey(Database.newId(), 1, 7);

    private GraphSeal aProcess() {
        return new GraphSeal(new SecretStore(db.jdbc));
    }

    private static Assignment assignment(LeaseKey lease, String graph) {
        return new Assignment(lease, Database.TENANT, 1_000, false, null, graph);
    }

    @Test
    void another_process_on_the_database_opens_what_nobody_else_can_read() {
        var sealed = aProcess().seal(assignment(lease, GRAPH));

        assertThat(sealed.toString()).doesNotContain("fox", "Fuchs", "inputs");
        assertThat(aProcess().open(sealed)).isEqualTo(assignment(lease, GRAPH));
    }

    @Test
    void what_was_changed_or_sealed_for_another_lease_is_left_out() {
        var seal = aProcess();
        var sealed = seal.seal(assignment(lease, GRAPH));
        var other = assignment(new LeaseKey(lease.job(), 2, 7), GRAPH).withGraph(null);

        var moved = seal.open(new LaneMessage.Assign(other, sealed.sealedGraph()));
        var nonsense = seal.open(new LaneMessage.Assign(other, "nonsense"));

        assertThat(moved).isEqualTo(other);
        assertThat(nonsense).isEqualTo(other);
    }

    @Test
    void what_is_too_large_for_a_message_stays_out_of_it() {
        var without = assignment(lease, GRAPH).withGraph(null);

        var sealed = aProcess().seal(without);

        assertThat(sealed.sealedGraph()).isNull();
        assertThat(aProcess().open(sealed)).isEqualTo(without);
    }
}
