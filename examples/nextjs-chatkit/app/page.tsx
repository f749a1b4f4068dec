import { redirect } from "next/navigation";

import { Chat } from "../components/chat";
import { TopBar } from "../components/top-bar";
import { currentUser } from "../lib/session";

export default async function Home() {
  const user = await currentUser();
  if (!user) {
    redirect("/sign-in");
  }
  return (
    <div className="app">
      <TopBar email={user.email} />
      <Chat
        url={process.env.CHATKIT_URL ?? "http://127.0.0.1:8000/chatkit"}
        domainKey={process.env.CHATKIT_DOMAIN_KEY ?? "localhost"}
      />
    </div>
  );
}
