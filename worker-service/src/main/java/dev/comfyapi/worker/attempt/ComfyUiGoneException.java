package dev.comfyapi.worker.attempt;

/// ComfyUI has not answered for so long that what it held is given up.
final class ComfyUiGoneException extends Exception {

    ComfyUiGoneException(Throwable cause) {
        super("ComfyUI does not answer: " + cause.getMessage(), cause);
    }
}
