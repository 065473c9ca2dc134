package dev.comfyapi.api.http;

import jakarta.servlet.ServletException;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

import java.io.IOException;

/// Gives each request its [Presence].
final class PresenceValve extends ValveBase {

    /// What Tomcat says is there to read after it has met the end of the connection: "an error will
    /// be reported when it is read". A next request that came early has more bytes than one.
    private static final int END = 1;

    PresenceValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        var connection = request.getCoyoteRequest();
        // The body of a GET is read by nobody, so it is what is there to read.
        if (!request.getMethod().equals("GET") || !hasBody(request)) {
            request.setAttribute(
                    Presence.ATTRIBUTE,
                    (Presence)
                            () -> {
                                connection.action(ActionCode.AVAILABLE, true);
                                return connection.getAvailable() == END;
                            });
        }
        getNext().invoke(request, response);
    }

    private static boolean hasBody(Request request) {
        return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
    }
}
