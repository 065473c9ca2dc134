package dev.comfyapi.contract;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Fails the test during which a message was heard that is not as the AsyncAPI document says. Found
/// by JUnit itself, for all tests.
public final class MessageExtension implements AfterEachCallback, AfterAllCallback {

    @Override
    public void afterEach(ExtensionContext context) {
        Messages.throwIfAny();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Messages.throwIfAny();
    }
}
