package dev.comfyapi.worker.comfyui;

import java.io.IOException;

/// ComfyUI answered, but not what it should.
public final class UnexpectedAnswerException extends IOException {

    UnexpectedAnswerException(String request, int status) {
        super("ComfyUI answered %s with status %d".formatted(request, status));
    }

    UnexpectedAnswerException(String request, Throwable cause) {
        super("ComfyUI answered %s with what is not JSON".formatted(request), cause);
    }
}
