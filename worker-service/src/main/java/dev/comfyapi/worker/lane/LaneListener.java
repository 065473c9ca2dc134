package dev.comfyapi.worker.lane;

import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.model.message.LaneMessage;
import dev.comfyapi.worker.attempt.Stop;

import java.util.function.Consumer;

/// Does what the lane says, if it says it to this worker: others may listen to the same lane, and
/// messages outlive the process they were meant for.
final class LaneListener implements Consumer<LaneMessage> {

    private final long worker;
    private final GraphSeal seal;
    private final Ledger ledger;

    LaneListener(long worker, GraphSeal seal, Ledger ledger) {
        this.worker = worker;
        this.seal = seal;
        this.ledger = ledger;
    }

    @Override
    public void accept(LaneMessage message) {
        if (message.lease().worker() != worker) {
            return;
        }
        switch (message) {
            case LaneMessage.Assign assign -> ledger.take(seal.open(assign));
            case LaneMessage.Cancel(var lease) ->
                    // One that is not held is released by the next heartbeat.
                    ledger.find(lease).ifPresent(attempt -> attempt.stop(Stop.CANCEL));
        }
    }
}
