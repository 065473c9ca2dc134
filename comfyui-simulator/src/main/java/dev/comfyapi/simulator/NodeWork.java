package dev.comfyapi.simulator;

import java.util.List;

/// What a class of nodes does when its turn comes.
interface NodeWork {

    /// Answers the values of all outputs, in order.
    List<Value> work(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone;
}
