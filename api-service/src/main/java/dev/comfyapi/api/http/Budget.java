package dev.comfyapi.api.http;

import java.util.Locale;

/// What requests of a tenant are counted as. Each is counted apart, so that polling never keeps
/// anybody from submitting.
public enum Budget {
    /// Requests that change something.
    SUBMIT,
    /// Requests that only read.
    POLL,
    /// Requests that bring files.
    UPLOAD,
    /// `POLL` for GET and HEAD, else `SUBMIT`.
    BY_METHOD;

    /// What such a request is counted as.
    public Budget of(String method) {
        return switch (this) {
            case SUBMIT, POLL, UPLOAD -> this;
            case BY_METHOD -> method.equals("GET") || method.equals("HEAD") ? POLL : SUBMIT;
        };
    }

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
