package dev.comfyapi.api.usage;

import org.springframework.stereotype.Component;

/// What GPU time and pictures cost. What failed, expired or was canceled costs nothing.
@Component
public final class Prices {

    private final PriceProperties properties;

    Prices(PriceProperties properties) {
        this.properties = properties;
    }

    /// In millionths of the currency.
    public long micros(long gpuMs, long images) {
        return gpuMs * properties.gpuSecondMicros() / 1_000 + images * properties.imageMicros();
    }

    PriceProperties list() {
        return properties;
    }
}
