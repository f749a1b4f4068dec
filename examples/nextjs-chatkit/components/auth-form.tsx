"use client";

import Link from "next/link";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { authClient } from "../lib/auth-client";

const TEXTS = {
  "sign-in": {
    title: "Welcome back",
    send: "Sign in",
    sending: "Signing in…",
    question: "No account yet?",
    other: { href: "/sign-up", label: "Sign up" },
  },
  "sign-up": {
    title: "Create your account",
    send: "Sign up",
    sending: "Signing up…",
    question: "Have an account already?",
    other: { href: "/sign-in", label: "Sign in" },
  },
} as const;

type Mode = keyof typeof TEXTS;

/** The same form signs in and signs up; the latter also asks for a name. */
export function AuthForm({ mode }: { mode: Mode }) {
  const texts = TEXTS[mode];
  const isNew = mode === "sign-up";
  const { send, sending, error } = useSending(mode);
  return (
    <main className="auth">
      <div className="card">
        <img src="/icon.svg" alt="" width={44} height={44} />
        <h1>{texts.title}</h1>
        <p>Your assistant keeps your tasks, and what was said.</p>
        {/* Sent before the page is ready for it, a form would put the password into the address. */}
        <form method="post" onSubmit={send} aria-busy={sending}>
          {isNew && <Field name="name" label="Name" type="text" autoComplete="name" />}
          <Field name="email" label="Email" type="email" autoComplete="email" />
          <Field
            name="password"
            label="Password"
            type="password"
            autoComplete={isNew ? "new-password" : "current-password"}
            {...(isNew && { minLength: 8, hint: "At least 8 characters" })}
          />
          <Failure text={error} />
          <button className="button" disabled={sending}>
            {sending ? texts.sending : texts.send}
          </button>
        </form>
        <p className="other">
          {texts.question} <Link href={texts.other.href}>{texts.other.label}</Link>
        </p>
      </div>
    </main>
  );
}

interface FieldProps {
  name: string;
  label: string;
  type: string;
  autoComplete: string;
  minLength?: number;
  hint?: string;
}

function Field({ label, hint, ...input }: FieldProps) {
  const hintId = `${input.name}-hint`;
  return (
    <div className="field">
      <label htmlFor={input.name}>{label}</label>
      <input id={input.name} required aria-describedby={hint && hintId} {...input} />
      {hint && <small id={hintId}>{hint}</small>}
    </div>
  );
}

/** Why nobody was signed in. It takes the focus, so that screen readers and eyes find it. */
function Failure({ text }: { text: string | undefined }) {
  const paragraph = useRef<HTMLParagraphElement>(null);
  useEffect(() => paragraph.current?.focus(), [text]);
  if (!text) {
    return null;
  }
  return (
    <p className="failure" role="alert" tabIndex={-1} ref={paragraph}>
      {text}
    </p>
  );
}

/** Sends the form, and goes to the chat when that is granted. */
function useSending(mode: Mode) {
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<string>();

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setSending(true);
    setError(undefined);
    const refusal = await ask(mode, form);
    if (refusal === undefined) {
      // A whole new page: nothing of whoever was here before is left in memory.
      window.location.assign("/");
      return;
    }
    setError(refusal);
    setSending(false);
  }

  return { send, sending, error };
}

/** Asks Better Auth to let somebody in. Returns why it does not. */
async function ask(mode: Mode, form: FormData): Promise<string | undefined> {
  const text = (name: string) => String(form.get(name) ?? "");
  const known = { email: text("email"), password: text("password") };
  try {
    const { error } =
      mode === "sign-in"
        ? await authClient.signIn.email(known)
        : await authClient.signUp.email({ ...known, name: text("name") });
    return error ? (error.message ?? "That did not work. Try again in a while.") : undefined;
  } catch {
    return "The app cannot be reached. Try again in a while.";
  }
}
