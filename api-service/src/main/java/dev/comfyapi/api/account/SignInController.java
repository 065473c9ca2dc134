package dev.comfyapi.api.account;

import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Open;
import dev.comfyapi.api.http.Problems;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;

/// What local users do before anybody knows who they are.
///
/// Nothing of this is for browsers' cookies: whoever signs in gets tokens and keeps them.
@RestController
@RequestMapping(path = "/api/v1/auth", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "accounts")
final class SignInController {

    private static final int LONGEST = 200;

    /// Nobody knows yet who sends it.
    private static final int MOST_BYTES = 4 << 10;

    private static final String OVERLOADED = "Too many passwords are being checked just now";

    private final Users users;
    private final Sessions sessions;
    private final Attempts attempts;
    private final UserProperties properties;
    private final JsonBody json;

    SignInController(
            Users users,
            Sessions sessions,
            Attempts attempts,
            UserProperties properties,
            JsonBody json) {
        this.users = users;
        this.sessions = sessions;
        this.attempts = attempts;
        this.properties = properties;
        this.json = json;
    }

    /// The body that registers, as it is described.
    @Schema(name = "Registration")
    record Registration(
            String invitation, @Schema(minLength = 12, maxLength = 72) String password) {}

    /// The body that signs in, as it is described.
    @Schema(name = "SignIn")
    record SignIn(String email, String password) {}

    /// The body that names a refresh token, as it is described.
    @Schema(name = "RefreshToken")
    record Refresh(String refreshToken) {}

    /// The body that resets a password, as it is described.
    @Schema(name = "PasswordReset")
    record Reset(String token, @Schema(minLength = 12, maxLength = 72) String password) {}

    @Open
    @PostMapping("/register")
    @Operation(
            summary = "Become a user by an invitation",
            description =
                    "With the token that `POST /api/v1/invitations` gave. You are then signed in.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Registration.class)))
    @ApiResponse(responseCode = "201", description = "The user is there and signed in")
    @ApiResponse(responseCode = "403", description = "There are no local users here")
    @ApiResponse(responseCode = "409", description = "The invitation is not good (any more)")
    @ApiResponse(responseCode = "503", description = OVERLOADED)
    ResponseEntity<TokensView> register(HttpServletRequest request) throws IOException {
        properties.requireEnabled();
        var problems = new Problems();
        var members = Members.of(json.read(request, MOST_BYTES), problems);
        members.require("invitation");
        members.require("password");
        var invitation = members.text("invitation", 1, LONGEST);
        var password = Passwords.read(members, "password");
        members.end();
        problems.throwIfAny();
        attempts.from(request.getRemoteAddr());
        var made = users.register(invitation.orElseThrow(), password.orElseThrow());
        return ResponseEntity.status(HttpStatus.CREATED)
                .header("Location", "/api/v1/users/" + made.userId())
                .body(made);
    }

    @Open
    @PostMapping("/token")
    @Operation(
            summary = "Sign in with e-mail address and password",
            description =
                    "The access token is good for `expires_in` seconds; before that, get the next with your"
                            + " refresh token.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = SignIn.class)))
    @ApiResponse(responseCode = "200", description = "The tokens of a new session")
    @ApiResponse(responseCode = "401", description = "The address or the password is wrong")
    @ApiResponse(responseCode = "403", description = "There are no local users here")
    @ApiResponse(responseCode = "503", description = OVERLOADED)
    TokensView token(HttpServletRequest request) throws IOException {
        properties.requireEnabled();
        var problems = new Problems();
        var members = Members.of(json.read(request, MOST_BYTES), problems);
        members.require("email");
        members.require("password");
        var email = Email.read(members);
        var password = members.text("password", 1, LONGEST);
        members.end();
        problems.throwIfAny();
        return sessions.signIn(
                email.orElseThrow(), password.orElseThrow(), request.getRemoteAddr());
    }

    @Open
    @PostMapping("/refresh")
    @Operation(
            summary = "Get the next tokens of a session",
            description =
                    "A refresh token is good once. When it is shown again the session ends, for"
                            + " whoever has it: so send one such request at a time, and keep what"
                            + " it gave.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Refresh.class)))
    @ApiResponse(responseCode = "200", description = "The next tokens")
    @ApiResponse(responseCode = "401", description = "The refresh token is not good (any more)")
    @ApiResponse(responseCode = "403", description = "There are no local users here")
    @ApiResponse(responseCode = "503", description = "The database does not answer just now")
    TokensView refresh(HttpServletRequest request) throws IOException {
        properties.requireEnabled();
        return sessions.refresh(refreshToken(request));
    }

    @Open
    @PostMapping("/logout")
    @Operation(
            summary = "Sign out",
            description = "Ends the session: its access tokens are refused within 5 s.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Refresh.class)))
    @ApiResponse(responseCode = "204", description = "The session is over")
    @ApiResponse(responseCode = "403", description = "There are no local users here")
    @ApiResponse(responseCode = "503", description = "The database does not answer just now")
    ResponseEntity<Void> logout(HttpServletRequest request) throws IOException {
        properties.requireEnabled();
        sessions.signOut(refreshToken(request));
        return ResponseEntity.noContent().build();
    }

    private String refreshToken(HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request, MOST_BYTES), problems);
        members.require("refresh_token");
        var token = members.text("refresh_token", 1, LONGEST);
        members.end();
        problems.throwIfAny();
        return token.orElseThrow();
    }

    @Open
    @PostMapping("/password-reset")
    @Operation(
            summary = "Choose a new password by a token",
            description =
                    "With the token that `POST /api/v1/users/{user_id}/password-reset` gave. All"
                            + " sessions of the user end.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Reset.class)))
    @ApiResponse(responseCode = "204", description = "The password is changed")
    @ApiResponse(responseCode = "403", description = "There are no local users here")
    @ApiResponse(responseCode = "409", description = "The token is not good (any more)")
    @ApiResponse(responseCode = "503", description = OVERLOADED)
    ResponseEntity<Void> reset(HttpServletRequest request) throws IOException {
        properties.requireEnabled();
        var problems = new Problems();
        var members = Members.of(json.read(request, MOST_BYTES), problems);
        members.require("token");
        members.require("password");
        var token = members.text("token", 1, LONGEST);
        var password = Passwords.read(members, "password");
        members.end();
        problems.throwIfAny();
        attempts.from(request.getRemoteAddr());
        users.reset(token.orElseThrow(), password.orElseThrow());
        return ResponseEntity.noContent().build();
    }
}
