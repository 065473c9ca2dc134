package dev.comfyapi.model.workflow;

/// The JSON is no ComfyUI graph in API format.
public final class MalformedGraphException extends RuntimeException {

    private final String pointer;

    MalformedGraphException(String pointer, String message) {
        super(message);
        this.pointer = pointer;
    }

    /// JSON pointer to the offending place, relative to the graph.
    public String pointer() {
        return pointer;
    }
}
