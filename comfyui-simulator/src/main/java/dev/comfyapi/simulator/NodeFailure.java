package dev.comfyapi.simulator;

/// A node raised an error at run time.
final class NodeFailure extends Exception {

    private final String type;
    private final boolean outOfMemory;

    /// @param type the qualified name of a Python exception
    NodeFailure(String type, String message) {
        this(type, message, false);
    }

    private NodeFailure(String type, String message, boolean outOfMemory) {
        super(message);
        this.type = type;
        this.outOfMemory = outOfMemory;
    }

    static NodeFailure outOfMemory() {
        return new NodeFailure(
                "torch.OutOfMemoryError",
                """
                Allocation on device 0 would exceed allowed memory
                This error means you ran out of memory on your GPU.

                TIPS: A smaller picture or a smaller batch_size may fit.\
                """,
                true);
    }

    static NodeFailure of(Faults.Failure failure) {
        return switch (failure) {
            case OUT_OF_MEMORY -> outOfMemory();
            case NODE_ERROR -> new NodeFailure("ValueError", "simulated failure");
            case CUDA_ERROR -> cuda();
        };
    }

    static NodeFailure cuda() {
        return new NodeFailure(
                "RuntimeError", "CUDA error: an illegal memory access was encountered");
    }

    String type() {
        return type;
    }

    boolean isOutOfMemory() {
        return outOfMemory;
    }

    /// The message as ComfyUI reports it: a hint follows a line break, and mostly there is no hint.
    String reported() {
        return outOfMemory ? String.valueOf(getMessage()) : getMessage() + "\n";
    }
}
